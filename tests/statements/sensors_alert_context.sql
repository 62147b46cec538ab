-- What a device measured around each alert.
SELECT
    a.alert_id,
    a.level,
    around.warmest,
    around.readings,
    (SELECT r.humidity FROM readings AS r WHERE r.device_id = a.device_id AND r.read_at <= a.raised ORDER BY r.read_at DESC LIMIT 1) AS humidity_then
FROM alerts AS a
LEFT JOIN LATERAL (
    SELECT max(r.temperature) AS warmest, count(*) AS readings
    FROM readings AS r
    WHERE r.device_id = a.device_id AND r.read_at BETWEEN a.raised - INTERVAL 12 HOUR AND a.raised + INTERVAL 12 HOUR
) AS around ON true
ORDER BY a.alert_id
