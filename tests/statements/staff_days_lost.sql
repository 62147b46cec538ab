-- Days lost per role, joined by the time at which somebody had it.
WITH p AS (SELECT *, lead(since, 1, DATE '2030-01-01') OVER (PARTITION BY staff_id ORDER BY since) AS until FROM staff_history)
SELECT p.role, a.reason, sum(coalesce(a.last_day, a.first_day) - a.first_day + 1) AS days, count(*) AS n
FROM absences a JOIN p ON p.staff_id = a.staff_id AND a.first_day >= p.since AND a.first_day < p.until
GROUP BY ALL ORDER BY ALL
