-- Aliases before their expressions.
SELECT id: parcel_id, kilo: weight_g / 1000, class: CASE WHEN kilo < 0.6 THEN 'S' WHEN kilo < 3 THEN 'M' ELSE 'L' END
FROM box: parcels WHERE kilo IS NOT NULL ORDER BY id
