-- Gaps filled between the values before and after.
WITH n AS (
  SELECT meter, seen_at, kwh, last_value(kwh IGNORE NULLS) OVER w AS before, first_value(kwh IGNORE NULLS) OVER (PARTITION BY meter ORDER BY seen_at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS after
  FROM meter_values WINDOW w AS (PARTITION BY meter ORDER BY seen_at)
)
SELECT meter, seen_at, coalesce(kwh, (before + after) / 2, before, after) AS kwh, kwh IS NULL AS filled FROM n ORDER BY meter, seen_at
