-- How fast temperature and humidity change between readings of a device.
SELECT
    device_id,
    read_at,
    (temperature - lag(temperature) OVER t) / nullif(epoch(read_at - lag(read_at) OVER t), 0) * 3600 AS degrees_per_hour,
    humidity - avg(humidity) OVER (t ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING) AS against_recent,
    min(battery) OVER (PARTITION BY device_id ORDER BY read_at GROUPS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS lowest_ahead
FROM readings
WINDOW t AS (PARTITION BY device_id ORDER BY read_at)
