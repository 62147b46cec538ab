-- The state of each device now: what it measured last, and alerts that nobody answered by a reading since.
WITH last_reading AS (
    SELECT device_id, max_by(struct_pack(read_at, temperature, battery), read_at) AS last FROM readings GROUP BY device_id
)
SELECT
    d.device_id,
    d.site,
    l.last.read_at AS last_seen,
    l.last.temperature NOT BETWEEN d.config.thresholds.low AND d.config.thresholds.high AS out_of_range,
    EXISTS (SELECT 1 FROM alerts AS a WHERE a.device_id = d.device_id AND a.raised > l.last.read_at) AS unanswered,
    (SELECT string_agg(DISTINCT a.level, ',' ORDER BY a.level) FROM alerts AS a WHERE a.device_id = d.device_id) AS levels
FROM devices AS d
LEFT JOIN last_reading AS l USING (device_id)
