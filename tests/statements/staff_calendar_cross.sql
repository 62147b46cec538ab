-- Each person and each week: absent or not.
WITH weeks AS (SELECT DATE '2023-01-02' + (7 * i)::INTEGER AS week FROM range(8) AS t(i)),
people AS (SELECT DISTINCT staff_id FROM staff_history)
SELECT staff_id, week, EXISTS (SELECT 1 FROM absences a WHERE a.staff_id = p.staff_id AND a.first_day < w.week + 7 AND coalesce(a.last_day, a.first_day) >= w.week) AS absent
FROM people p CROSS JOIN weeks w ORDER BY ALL
