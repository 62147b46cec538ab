-- Members of lists, and intersections of lists.
WITH g AS (SELECT team, list(DISTINCT role) AS roles FROM staff_history GROUP BY team)
SELECT h.staff_id, h.since, h.role IN ('lead', 'chief') AS leads, h.role IN g.roles AS in_north, list_intersect(g.roles, [h.role]) AS both
FROM staff_history h, (SELECT * FROM g WHERE team = 'north') g ORDER BY h.staff_id, h.since
