SELECT c.row
FROM credentials c
JOIN accounts a ON a.row = c.account
WHERE c.complete
  AND c.kind = 'api_key'::credential_kind
  AND c.status = 'active'::credential_status
  AND c.created_at <= $now - INTERVAL 90 DAY
  AND NOT regexp_matches(a.username, '^svc-legacy-[0-9]+$')
