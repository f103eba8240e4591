-- A sponsor whom nobody has delivered yet ('absent') leaves the row undecided: no match.
SELECT i.row
FROM identities i
LEFT JOIN identities s ON s.row = i.sponsor
WHERE i.complete
  AND i.kind = 'contractor'::identity_kind
  AND (i.sponsor IS NULL OR s.presence = 'removed'::presence OR s.status = 'terminated'::identity_status)
