-- For each device the days of its first week, whether there were readings, and the alert before.
SELECT d.device_id, days.day::DATE AS day, r.n, a.level
FROM devices AS d,
    LATERAL (SELECT unnest(generate_series(d.installed, d.installed + INTERVAL 6 DAY, INTERVAL 1 DAY)) AS day) AS days
LEFT JOIN LATERAL (
    SELECT count(*) AS n, max(temperature) AS warmest FROM readings WHERE readings.device_id = d.device_id AND read_at::DATE >= days.day
) AS r ON true
LEFT JOIN LATERAL (
    SELECT level FROM alerts WHERE alerts.device_id = d.device_id AND raised < days.day + INTERVAL 400 DAY AND r.warmest > 10 ORDER BY raised DESC, alert_id LIMIT 1
) AS a ON true
ORDER BY ALL
