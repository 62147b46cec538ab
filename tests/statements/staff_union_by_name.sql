-- Two sources with other columns in another order, by name, what is missing NULL.
SELECT staff_id, role AS what, since AS day FROM staff_history WHERE role = 'chief'
UNION BY NAME
SELECT reason AS what, first_day AS day, last_day, staff_id FROM absences WHERE reason = 'ill'
ORDER BY day, staff_id, what
