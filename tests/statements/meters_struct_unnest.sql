-- A struct's fields as columns by unnest, a list of structs as rows by it twice.
SELECT meter, unnest(tags), len(map_keys(limits)) AS n FROM meters ORDER BY meter
