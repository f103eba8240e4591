SELECT i.row
FROM identities i
WHERE i.complete
  AND i.row IN (
    SELECT a.owner
    FROM grants g
    JOIN accounts a ON a.row = g.account
    JOIN entitlements e ON e.row = g.entitlement
    WHERE g.complete AND a.owner IS NOT NULL AND e.name = 'vendor-create'
  )
  AND i.row IN (
    SELECT a.owner
    FROM grants g
    JOIN accounts a ON a.row = g.account
    JOIN entitlements e ON e.row = g.entitlement
    WHERE g.complete AND a.owner IS NOT NULL AND e.name = 'vendor-pay'
  )
