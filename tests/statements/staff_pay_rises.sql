-- Rises of pay in percent, the largest of each person, ties to the earlier.
SELECT staff_id, since, pay, round(100 * (pay - before) / before, 1) AS rise FROM (
  SELECT *, lag(pay) OVER (PARTITION BY staff_id ORDER BY since) AS before FROM staff_history
) WHERE before > 0
QUALIFY rank() OVER (PARTITION BY staff_id ORDER BY (pay - before) / before DESC, since) = 1
ORDER BY staff_id
