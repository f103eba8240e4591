-- Who has no account at all was seen "now": no match, hence the inner join.
SELECT i.row
FROM identities i
JOIN (
  SELECT owner, max(last_login) AS last_login, max(created_at) AS created_at
  FROM accounts
  WHERE presence = 'live'::presence AND owner IS NOT NULL
  GROUP BY owner
) seen ON seen.owner = i.row
WHERE i.complete
  AND i.kind <> 'service'::identity_kind
  AND coalesce(seen.last_login, seen.created_at) <= $now - INTERVAL 45 DAY
