-- Great-circle distance of routes against the declared one, in a chain of lateral aliases.
SELECT
    r.from_id,
    r.to_id,
    radians(b.latitude - a.latitude) AS north,
    radians(b.longitude - a.longitude) AS east,
    pow(sin(north / 2), 2) + cos(radians(a.latitude)) * cos(radians(b.latitude)) * pow(sin(east / 2), 2) AS h,
    round(2 * 3440.065 * asin(sqrt(least(h, 1))), 1) AS great_circle,
    r.distance_nm - great_circle AS detour
FROM routes AS r
INNER JOIN ports AS a ON a.port_id = r.from_id
INNER JOIN ports AS b ON b.port_id = r.to_id
