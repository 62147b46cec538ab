-- Numbers of parcels without a scan, as ranges.
WITH missing AS (
  SELECT n FROM range(1, 40) AS r(n) WHERE NOT EXISTS (SELECT * FROM scans WHERE parcel_id = n)
)
SELECT min(n) AS first, max(n) AS last FROM (SELECT n, n - row_number() OVER (ORDER BY n) AS island FROM missing) GROUP BY island ORDER BY first
