-- Occupied beds of each ward on each day of a month, against the beds it has.
WITH days AS (
    SELECT unnest(generate_series(DATE '2024-03-01', DATE '2024-03-31', INTERVAL 1 DAY))::DATE AS day
)
SELECT w.ward, d.day, count(s.stay_id) AS occupied, w.beds, count(s.stay_id) > w.beds AS crowded
FROM days AS d
CROSS JOIN wards AS w
LEFT JOIN stays AS s
    ON s.ward_id = w.ward_id
    AND s.admitted::DATE <= d.day
    AND coalesce(s.discharged::DATE, DATE '2024-12-31') >= d.day
GROUP BY w.ward_id, w.ward, w.beds, d.day
ORDER BY w.ward_id, d.day
