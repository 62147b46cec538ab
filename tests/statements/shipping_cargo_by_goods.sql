-- Weight of goods per flag, hazardous ones apart, and each good's heaviest container.
SELECT
    vs.flag,
    c.goods,
    sum(c.weight_kg) AS weight,
    sum(c.weight_kg) FILTER (WHERE c.hazardous) AS hazardous_weight,
    max(c.weight_kg) AS heaviest,
    arg_max(c.container_id, c.weight_kg * 1000 + c.container_id) AS heaviest_container,
    count(DISTINCT c.shipper) AS shippers
FROM containers AS c
INNER JOIN voyages AS vo USING (voyage_id)
INNER JOIN vessels AS vs USING (vessel_id)
GROUP BY vs.flag, c.goods
ORDER BY vs.flag NULLS LAST, c.goods NULLS LAST
