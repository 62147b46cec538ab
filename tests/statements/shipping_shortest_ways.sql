-- The shortest way between ports over at most four routes.
WITH RECURSIVE ways AS (
    SELECT from_id, to_id, distance_nm AS distance, [from_id, to_id] AS via FROM routes
    UNION ALL
    SELECT ways.from_id, r.to_id, ways.distance + r.distance_nm, list_append(ways.via, r.to_id)
    FROM ways
    INNER JOIN routes AS r ON r.from_id = ways.to_id
    WHERE len(ways.via) < 4 AND NOT list_contains(ways.via, r.to_id)
)
SELECT a.port AS origin, b.port AS destination, min(ways.distance) AS distance, arg_min(ways.via, (ways.distance, ways.via)) AS via
FROM ways
INNER JOIN ports AS a ON a.port_id = ways.from_id
INNER JOIN ports AS b ON b.port_id = ways.to_id
GROUP BY a.port, b.port, a.port_id, b.port_id
ORDER BY a.port_id, b.port_id
