-- A cube of what is made and bought by price band.
SELECT made_here, width_bucket AS band, count(*) AS n, grouping_id(made_here, width_bucket) AS level
FROM (SELECT made_here, CASE WHEN unit_cost < 8 THEN 1 WHEN unit_cost < 15 THEN 2 ELSE 3 END AS width_bucket FROM parts)
GROUP BY CUBE (made_here, width_bucket) ORDER BY ALL
