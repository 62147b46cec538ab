-- Quoted names with points, spaces and umlauts, and a struct field named like a table.
WITH "ein.teil" AS (
  SELECT parcel_id AS "parcels.id", "from.hub" AS "Von", {'scans': weight_g, 'Über': "Ziel Ort"} AS parcels FROM parcels
)
SELECT e."parcels.id", e."Von" || '→' || e.parcels."Über" AS "Weg", e.parcels.scans / 1000 AS kg, g."min.wert" AS "min.wert"
FROM "ein.teil" e LEFT JOIN "Größen" g ON g."Maß" = e."Von" ORDER BY e."parcels.id"
