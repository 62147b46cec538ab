-- When a battery will be empty, by regression over its readings.
SELECT
    d.device_id,
    d.model,
    round(regr_slope(r.battery, epoch(r.read_at) / 86400), 6) AS per_day,
    last(r.battery ORDER BY r.read_at) AS now,
    CASE WHEN per_day < 0 THEN round(now / -per_day, 1) END AS days_left
FROM devices AS d
JOIN readings AS r USING (device_id)
GROUP BY d.device_id, d.model
HAVING count(r.battery) >= 3
