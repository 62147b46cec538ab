-- Highest pay of those who began within a hundred days before, by an interval's frame.
SELECT staff_id, since, max(pay) OVER (PARTITION BY team ORDER BY since RANGE BETWEEN INTERVAL 100 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING) AS recent_high,
  lead(pay, 2, 0) OVER (PARTITION BY team ORDER BY since, staff_id) AS two_later
FROM staff_history WHERE team IS NOT NULL ORDER BY staff_id, since
