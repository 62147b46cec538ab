-- Lists made by subqueries, in order.
SELECT s.staff_id, ARRAY(SELECT h.role FROM staff_history h WHERE h.staff_id = s.staff_id ORDER BY h.since DESC) AS roles,
  len(ARRAY(SELECT 1 FROM absences a WHERE a.staff_id = s.staff_id)) AS absences
FROM (SELECT DISTINCT staff_id FROM staff_history) s ORDER BY ALL
