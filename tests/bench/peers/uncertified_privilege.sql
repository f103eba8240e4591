SELECT g.row
FROM grants g
JOIN accounts a ON a.row = g.account
JOIN entitlements e ON e.row = g.entitlement
WHERE g.complete
  AND a.privileged
  AND coalesce(g.certified_at, g.granted_at) <= $now - INTERVAL 180 DAY
  AND e.risk >= 'high'::entitlement_risk
  AND g.source <> 'birthright'::grant_source
