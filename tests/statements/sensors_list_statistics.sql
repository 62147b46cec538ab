-- Statistics by list functions over all temperatures of a device (DuckDB 2).
SELECT
    device_id,
    list(temperature ORDER BY read_at) AS temperatures,
    list_avg(temperatures) AS mean,
    list_max([abs(t - mean) FOR t IN temperatures IF t IS NOT NULL]) AS furthest,
    list_zip(temperatures, list(humidity ORDER BY read_at))[1] AS first_pair,
    len(list_filter(temperatures, lambda t: t > 20)) AS warm_readings
FROM readings
GROUP BY device_id
ORDER BY device_id NULLS LAST
