-- Gaps of more than a day between two scans.
SELECT parcel_id, before, seen_at, seen_at - before AS gap FROM (
  SELECT parcel_id, seen_at, lag(seen_at) OVER (PARTITION BY parcel_id ORDER BY seen_at) AS before FROM scans
) WHERE seen_at - before > INTERVAL 1 DAY AND parcel_id IS NOT NULL ORDER BY ALL
