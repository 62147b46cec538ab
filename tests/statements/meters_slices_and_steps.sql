-- Slices, negative indices, sorting and places in lists.
WITH l AS (SELECT meter, list(kwh ORDER BY seen_at) FILTER (kwh IS NOT NULL) AS k FROM meter_values GROUP BY meter)
SELECT meter, k[-1] AS last, k[2:-2] AS inner_ones, list_reverse_sort(k)[1] AS high, list_position(k, list_max(k)) AS at_place, list_aggregate(k, 'sum') AS total, list_slice(k, 1, 5, 2) AS odd
FROM l ORDER BY meter
