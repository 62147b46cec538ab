-- Revenue of each month, with what is new, lost and kept.
WITH months AS (SELECT range AS month FROM range(DATE '2023-01-01', DATE '2023-09-01', INTERVAL 1 MONTH)),
paid AS (
  SELECT month, customer_id, sum(fee) AS fee
  FROM months JOIN plan_periods ON valid_from <= month AND coalesce(valid_to, DATE '2030-01-01') > month
  GROUP BY ALL
)
SELECT coalesce(now.month, before.month + INTERVAL 1 MONTH) AS month,
  sum(now.fee) FILTER (before.customer_id IS NULL) AS gained,
  sum(before.fee) FILTER (now.customer_id IS NULL) AS lost,
  sum(now.fee - before.fee) FILTER (now.fee > before.fee) AS expanded,
  sum(least(now.fee, before.fee)) AS kept
FROM paid AS now FULL JOIN paid AS before
  ON now.customer_id = before.customer_id AND now.month = before.month + INTERVAL 1 MONTH
GROUP BY 1 ORDER BY 1
