-- Overlaps of the same role as days, by the later beginning and the earlier end.
WITH p AS (SELECT *, coalesce(lead(since) OVER (PARTITION BY staff_id ORDER BY since), DATE '2026-01-01') AS until FROM staff_history)
SELECT a.staff_id AS one, b.staff_id AS other, sum(least(a.until, b.until) - greatest(a.since, b.since)) AS days
FROM p a JOIN p b ON a.role = b.role AND a.team = b.team AND a.staff_id < b.staff_id AND greatest(a.since, b.since) < least(a.until, b.until)
GROUP BY ALL ORDER BY ALL
