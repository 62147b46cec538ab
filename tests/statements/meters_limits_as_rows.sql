-- Limits of meters as rows, from maps.
SELECT meter, e.key AS kind, e.value AS high, e.value > 5 AS wide FROM (SELECT meter, unnest(map_entries(limits)) AS e FROM meters) ORDER BY ALL
