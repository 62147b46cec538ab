-- The chain of supervisors of each doctor, and how many report to whom.
WITH RECURSIVE chain AS (
    SELECT doctor_id, doctor, supervisor_id AS above, 1 AS level FROM doctors
    UNION ALL
    SELECT chain.doctor_id, chain.doctor, d.supervisor_id, chain.level + 1
    FROM chain INNER JOIN doctors AS d ON d.doctor_id = chain.above
    WHERE chain.level < 5
),
tops AS (
    SELECT doctor_id, max(level) AS levels, arg_max(above, level) FILTER (above IS NOT NULL) AS highest FROM chain GROUP BY doctor_id
)
SELECT d.doctor, boss.doctor AS highest, tops.levels, (SELECT count(*) FROM chain WHERE chain.above = d.doctor_id) AS reports
FROM doctors AS d
JOIN tops USING (doctor_id)
LEFT JOIN doctors AS boss ON boss.doctor_id = tops.highest
ORDER BY d.doctor_id
