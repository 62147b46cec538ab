-- Shares of running sums, distances to medians and percent ranks.
SELECT staff_id, since, pay / sum(pay) OVER (PARTITION BY team) AS share, pay - median(pay) OVER (PARTITION BY role) AS distance,
  percent_rank() OVER (ORDER BY pay) AS pr, cume_dist() OVER (PARTITION BY team ORDER BY pay) AS cd, ntile(4) OVER (ORDER BY pay, staff_id, since) AS quarter
FROM staff_history WHERE pay IS NOT NULL AND team IS NOT NULL AND role IS NOT NULL ORDER BY staff_id, since
