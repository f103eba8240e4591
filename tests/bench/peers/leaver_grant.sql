SELECT g.row
FROM grants g
JOIN accounts a ON a.row = g.account
JOIN identities o ON o.row = a.owner
WHERE g.complete AND o.status = 'terminated'::identity_status
