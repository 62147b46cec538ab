-- Roles that there are in all teams.
SELECT DISTINCT h.role FROM staff_history h
WHERE NOT EXISTS (SELECT 1 FROM (SELECT DISTINCT team FROM staff_history WHERE team IS NOT NULL) t
  WHERE NOT EXISTS (SELECT 1 FROM staff_history x WHERE x.role = h.role AND x.team = t.team))
ORDER BY h.role
