-- The heaviest beside the lightest, by a positional join of two ordered lists.
SELECT heavy.parcel_id AS heaviest, light.parcel_id AS lightest, heavy.weight_g - light.weight_g AS difference
FROM (SELECT parcel_id, weight_g FROM parcels WHERE weight_g IS NOT NULL ORDER BY weight_g DESC, parcel_id LIMIT 5) heavy
POSITIONAL JOIN (SELECT parcel_id, weight_g FROM parcels WHERE weight_g IS NOT NULL ORDER BY weight_g, parcel_id LIMIT 4) light
