-- Mean readings by six hours, with hours that have none filled from before.
WITH slots AS (
    SELECT device_id, time_bucket(INTERVAL 6 HOUR, read_at) AS slot, avg(temperature) AS temperature, min(battery) AS battery
    FROM readings
    GROUP BY ALL
),
grid AS (
    SELECT d.device_id, s.slot
    FROM (SELECT DISTINCT slot FROM slots) AS s CROSS JOIN devices AS d
)
SELECT
    g.device_id,
    g.slot,
    slots.temperature,
    last_value(slots.temperature IGNORE NULLS) OVER (PARTITION BY g.device_id ORDER BY g.slot) AS filled,
    slots.battery
FROM grid AS g
LEFT JOIN slots ON slots.device_id = g.device_id AND slots.slot = g.slot
ORDER BY g.device_id, g.slot
