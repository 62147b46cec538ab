-- Pairs that had the same role in the same team at the same time.
WITH p AS (SELECT *, coalesce(lead(since) OVER (PARTITION BY staff_id ORDER BY since), DATE '2026-01-01') AS until FROM staff_history)
SELECT DISTINCT a.staff_id AS one, b.staff_id AS other, a.role FROM p a JOIN p b USING (role, team)
WHERE a.staff_id < b.staff_id AND a.since < b.until AND b.since < a.until ORDER BY ALL
