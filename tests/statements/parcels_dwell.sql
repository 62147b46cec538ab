-- How long each parcel stayed at each hub in a row.
WITH marked AS (
  SELECT parcel_id, hub, seen_at, hub IS DISTINCT FROM lag(hub) OVER w AS arrives FROM scans WHERE parcel_id IS NOT NULL WINDOW w AS (PARTITION BY parcel_id ORDER BY seen_at)
), stops AS (SELECT *, count(*) FILTER (arrives) OVER (PARTITION BY parcel_id ORDER BY seen_at) AS stop FROM marked)
SELECT parcel_id, stop, any_value(hub) AS hub, min(seen_at) AS arrived, max(seen_at) AS left_at, max(seen_at) - min(seen_at) AS dwell
FROM stops GROUP BY parcel_id, stop ORDER BY parcel_id, stop
