-- A chain of USING with full joins and the merged key.
SELECT meter, count(v.seen_at) AS n, any_value(m.tags.site) AS site, max(g.hi) AS hi
FROM meters m FULL JOIN meter_values v USING (meter) FULL JOIN (SELECT "Maß" AS meter, "max.wert" AS hi FROM "Größen") g USING (meter)
GROUP BY meter ORDER BY meter
