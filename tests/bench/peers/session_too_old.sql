SELECT s.row
FROM sessions s
WHERE s.complete AND s.started_at <= $now - INTERVAL 12 HOUR
