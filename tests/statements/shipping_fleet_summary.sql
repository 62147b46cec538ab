-- Ages of vessels per flag; the youngest by name.
FROM vessels
SELECT
    flag,
    count() AS vessels,
    2025 - max(built) AS youngest_age,
    min_by(vessel, (built * -1, vessel_id)) AS youngest,
    sum(capacity) AS capacity,
    quantile_cont(built, 0.5) AS median_built
WHERE built IS NOT NULL
GROUP BY flag
ORDER BY vessels DESC, flag NULLS LAST
