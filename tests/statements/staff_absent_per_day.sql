-- How many are absent each day, by days unnested from spans.
SELECT day, count(DISTINCT staff_id) AS absent, list(DISTINCT staff_id ORDER BY staff_id) AS who
FROM (SELECT staff_id, unnest(generate_series(first_day::TIMESTAMP, coalesce(last_day, first_day)::TIMESTAMP, INTERVAL 1 DAY))::DATE AS day FROM absences)
GROUP BY day HAVING absent > 1 ORDER BY day
