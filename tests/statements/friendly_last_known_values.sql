-- Readings with gaps filled by the last known value, and neighbours left out of a mean.
SELECT
    device_id, read_at,
    last_value(temperature IGNORE NULLS) OVER so_far AS known,
    avg(humidity) OVER (PARTITION BY device_id ORDER BY read_at ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS around,
    nth_value(battery, 2) OVER (PARTITION BY device_id ORDER BY read_at, battery ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS second,
    cume_dist() OVER (PARTITION BY device_id ORDER BY temperature) AS place,
    sum(battery) FILTER (WHERE battery > 20) OVER (PARTITION BY device_id ORDER BY read_at RANGE BETWEEN INTERVAL 2 DAY PRECEDING AND CURRENT ROW) AS recent
FROM readings
WINDOW so_far AS (PARTITION BY device_id ORDER BY read_at, temperature ROWS UNBOUNDED PRECEDING)
QUALIFY ntile(4) OVER (ORDER BY read_at, device_id, battery, temperature, humidity) <= 3
ORDER BY ALL
