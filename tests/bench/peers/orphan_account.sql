-- An owner whom nobody has delivered yet ('absent') leaves the row undecided: no match.
SELECT a.row
FROM accounts a
LEFT JOIN identities o ON o.row = a.owner
WHERE a.complete
  AND (a.owner IS NULL OR o.presence = 'removed'::presence OR o.status = 'terminated'::identity_status)
