-- Pay by team and role with subtotals, ranked within each level.
SELECT coalesce(team, '(all)') AS team, role, sum(pay) AS pay, grouping(team, role) AS level,
  rank() OVER (PARTITION BY grouping(team, role) ORDER BY sum(pay) DESC) AS place
FROM staff_history WHERE team IS NOT NULL AND role IS NOT NULL GROUP BY ROLLUP (team, role) ORDER BY level, place, team, role
