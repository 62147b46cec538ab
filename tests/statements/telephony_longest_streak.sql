-- The longest streak of days in a row on which a subscriber called.
WITH days AS (
    SELECT DISTINCT caller, started::DATE AS day FROM calls WHERE caller IS NOT NULL
),
islands AS (
    SELECT caller, day, day - row_number() OVER (PARTITION BY caller ORDER BY day)::INTEGER AS island FROM days
)
SELECT caller, max(length) AS longest, arg_min(begins, (-length, begins)) AS longest_begins
FROM (SELECT caller, island, count(*) AS length, min(day) AS begins FROM islands GROUP BY caller, island)
GROUP BY caller
ORDER BY caller
