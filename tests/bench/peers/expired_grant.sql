SELECT g.row
FROM grants g
WHERE g.complete AND g.expires_at <= $now
