-- Subqueries in subqueries that reach two levels out.
SELECT h.staff_id, (SELECT max((SELECT count(*) FROM absences b WHERE b.staff_id = h.staff_id AND b.reason = a.reason)) FROM absences a WHERE a.staff_id = h.staff_id) AS most
FROM (SELECT DISTINCT staff_id FROM staff_history) h ORDER BY h.staff_id
