-- The fewest miles from a port to each that is reached, one row a port on the way (DuckDB 2).
WITH RECURSIVE reached(port, miles, stops) USING KEY (port, min(miles), min(stops)) AS (
    SELECT port_id, 0, 0 FROM ports WHERE port_id <= 2
    UNION
    SELECT r.to_id, reached.miles + r.distance_nm, reached.stops + 1
    FROM reached JOIN routes AS r ON r.from_id = reached.port WHERE reached.stops < 4
)
SELECT p.port, reached.miles, reached.stops FROM reached JOIN ports AS p ON p.port_id = reached.port
