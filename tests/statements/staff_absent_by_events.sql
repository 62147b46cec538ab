-- The same by adding one on each first day and taking one after each last.
WITH changes AS (
  SELECT first_day AS day, 1 AS change FROM absences UNION ALL SELECT coalesce(last_day, first_day) + 1, -1 FROM absences
)
SELECT day, sum(sum(change)) OVER (ORDER BY day) AS absent FROM changes GROUP BY day ORDER BY day
