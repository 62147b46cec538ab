-- Vitals of a stay in columns, with a fever flag.
SELECT
    stay_id,
    max(CASE kind WHEN 'temperature' THEN value END) AS temperature,
    max(CASE kind WHEN 'pulse' THEN value END) AS pulse,
    min(value) FILTER (kind = 'oxygen') AS oxygen,
    coalesce(temperature, 36.5) > 38 OR coalesce(pulse, 0) > 100 AS alarming
FROM measurements
GROUP BY stay_id
ORDER BY stay_id NULLS LAST
