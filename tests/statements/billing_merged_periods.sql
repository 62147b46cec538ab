-- Periods of the same plan that touch or overlap, merged into one.
WITH ordered AS (
  SELECT customer_id, plan, valid_from, coalesce(valid_to, DATE '9999-12-31') AS valid_to,
    max(coalesce(valid_to, DATE '9999-12-31')) OVER (
      PARTITION BY customer_id, plan ORDER BY valid_from, valid_to
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
  FROM plan_periods
), islands AS (
  SELECT *, sum(CASE WHEN reached IS NULL OR valid_from > reached + 1 THEN 1 ELSE 0 END) OVER (
    PARTITION BY customer_id, plan ORDER BY valid_from, valid_to ROWS UNBOUNDED PRECEDING) AS island
  FROM ordered
)
SELECT customer_id, plan, min(valid_from) AS valid_from, nullif(max(valid_to), DATE '9999-12-31') AS valid_to, count(*) AS periods
FROM islands GROUP BY customer_id, plan, island
ORDER BY customer_id, plan, valid_from
