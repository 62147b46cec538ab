-- PIVOT with statistics that are more than a call, one of them named before, and values named without AS.
PIVOT (SELECT "from.hub" AS hub, "Ziel Ort" AS town, weight_g FROM parcels)
ON town IN ('Ulm' ulm, bern: 'Bern') USING kilos: sum(weight_g) / 1000, max(weight_g)::VARCHAR || 'g' AS heaviest GROUP BY hub ORDER BY hub
