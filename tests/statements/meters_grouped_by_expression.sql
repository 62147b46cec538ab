-- Groups by expressions that are also items, with an aggregate of an aggregate.
SELECT part, max(total) AS high, avg(total) AS mean FROM (
  SELECT meter, date_trunc('day', seen_at) + INTERVAL (CASE WHEN hour(seen_at) < 12 THEN 0 ELSE 12 END) HOUR AS part, sum(kwh) AS total FROM meter_values GROUP BY meter, part
) GROUP BY part ORDER BY part
