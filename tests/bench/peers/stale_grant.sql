-- An owner whom nobody has delivered yet ('absent') leaves the row undecided: no match. A removed
-- owner is unknown, and its status counts as active.
SELECT g.row
FROM grants g
JOIN accounts a ON a.row = g.account
LEFT JOIN identities o ON o.row = a.owner
WHERE g.complete
  AND coalesce(g.last_used, g.granted_at) <= $now - INTERVAL 90 DAY
  AND g.source <> 'birthright'::grant_source
  AND a.status = 'active'::account_status
  AND o.presence IS DISTINCT FROM 'absent'::presence
  AND coalesce(o.status, 'active'::identity_status) <> 'on_leave'::identity_status
  AND NOT (a.privileged AND g.source = 'emergency'::grant_source)
