-- Two lists of a meter as rows beside each other.
SELECT meter, unnest(list(kwh ORDER BY seen_at)[1:3]) AS kwh, unnest(list(seen_at ORDER BY seen_at)[:4]) AS seen_at FROM meter_values GROUP BY meter ORDER BY meter, seen_at, kwh
