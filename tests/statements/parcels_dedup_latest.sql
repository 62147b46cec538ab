-- The last scan of each parcel, ties by the hub, its place kept.
SELECT * EXCLUDE (n) FROM (
  SELECT *, row_number() OVER (PARTITION BY parcel_id ORDER BY seen_at DESC, hub NULLS LAST) AS n, count(*) OVER (PARTITION BY parcel_id) AS scans FROM scans WHERE parcel_id IS NOT NULL
) WHERE n = 1 ORDER BY parcel_id
