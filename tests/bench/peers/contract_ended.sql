SELECT i.row
FROM identities i
WHERE i.complete AND i.kind = 'contractor'::identity_kind AND i.contract_end < CAST($now AS DATE)
