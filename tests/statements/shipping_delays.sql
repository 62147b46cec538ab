-- How long voyages take against the usual time of their route, and the load of the vessel.
WITH legs AS (
    SELECT
        v.*,
        o.country AS from_country,
        d.country AS to_country,
        epoch(v.arrived - v.departed) / 3600 AS hours
    FROM voyages AS v
    INNER JOIN ports AS o ON o.port_id = v.origin_id
    INNER JOIN ports AS d ON d.port_id = v.destination_id
),
usual AS (
    SELECT origin_id, destination_id, median(hours) AS hours, count(*) AS voyages
    FROM legs
    GROUP BY ALL
)
SELECT
    legs.voyage_id,
    vessels.vessel,
    legs.from_country || '-' || legs.to_country AS lane,
    legs.hours - usual.hours AS late_by,
    round(legs.cargo_tonnes / vessels.capacity, 3) AS load,
    CASE WHEN usual.voyages < 2 THEN NULL WHEN legs.hours > usual.hours THEN true ELSE false END AS is_late
FROM legs
INNER JOIN usual USING (origin_id, destination_id)
LEFT JOIN vessels ON vessels.vessel_id = legs.vessel_id
ORDER BY legs.voyage_id
