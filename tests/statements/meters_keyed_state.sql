-- A recursion that keeps the best known way from each meter to the next by key.
WITH RECURSIVE
edges AS (SELECT meter AS a, lead(meter) OVER (ORDER BY meter) AS b, coalesce(sum(kwh), 1) AS w FROM meter_values GROUP BY meter),
walk(node, cost) USING KEY (node) AS (
  SELECT 'M1', 0.0::DOUBLE
  UNION
  SELECT e.b, w.cost + e.w FROM walk w JOIN edges e ON e.a = w.node WHERE e.b IS NOT NULL AND e.b NOT IN (SELECT node FROM recurring.walk)
)
SELECT node, cost FROM walk ORDER BY node
