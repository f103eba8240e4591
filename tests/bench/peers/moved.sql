SELECT g.row
FROM grants g
JOIN accounts a ON a.row = g.account
JOIN identities o ON o.row = a.owner
WHERE g.complete
  AND o.department_changed_at > $now - INTERVAL 90 DAY
  AND g.granted_at < o.department_changed_at
  AND g.source <> 'birthright'::grant_source
