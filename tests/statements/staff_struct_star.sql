-- A struct's fields as columns by a star.
SELECT staff_id, s.* FROM (SELECT staff_id, since, struct_pack(role, level := CASE role WHEN 'chief' THEN 3 WHEN 'lead' THEN 2 ELSE 1 END, team) AS s FROM staff_history WHERE pay > 13)
ORDER BY staff_id, since
