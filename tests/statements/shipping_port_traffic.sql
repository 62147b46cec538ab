-- Arrivals and departures of each port side by side.
WITH traffic AS (
    SELECT origin_id AS port_id, departed AS at, 'out' AS direction, cargo_tonnes FROM voyages
    UNION ALL
    SELECT destination_id, arrived, 'in', cargo_tonnes FROM voyages
)
SELECT
    p.port,
    coalesce(sum(t.cargo_tonnes) FILTER (t.direction = 'in'), 0) AS tonnes_in,
    coalesce(sum(t.cargo_tonnes) FILTER (t.direction = 'out'), 0) AS tonnes_out,
    min(t.at) AS first_at,
    mode(t.direction ORDER BY t.direction) AS mostly
FROM ports AS p
LEFT JOIN traffic AS t ON t.port_id = p.port_id
GROUP BY p.port_id, p.port
ORDER BY p.port_id
