-- The fee on each first day of a month, by a spine of months joined to periods.
WITH months AS (SELECT unnest(generate_series(DATE '2023-01-01', DATE '2023-10-01', INTERVAL 1 MONTH))::DATE AS month)
SELECT m.month, p.customer_id, p.plan, p.fee
FROM months AS m LEFT JOIN plan_periods AS p
  ON m.month >= p.valid_from AND (m.month < p.valid_to OR p.valid_to IS NULL)
ORDER BY ALL
