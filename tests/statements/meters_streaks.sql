-- Longest streaks of values above the meter's own mean.
WITH a AS (SELECT meter, seen_at, kwh > avg(kwh) OVER (PARTITION BY meter) AS above FROM meter_values WHERE kwh IS NOT NULL),
r AS (SELECT *, row_number() OVER (PARTITION BY meter ORDER BY seen_at) - row_number() OVER (PARTITION BY meter, above ORDER BY seen_at) AS island FROM a),
s AS (SELECT meter, count(*) AS length, min(seen_at) AS begun FROM r WHERE above GROUP BY meter, island)
SELECT meter, length, begun FROM s QUALIFY row_number() OVER (PARTITION BY meter ORDER BY length DESC, begun) = 1 ORDER BY meter
