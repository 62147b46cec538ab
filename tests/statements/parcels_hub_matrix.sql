-- From which hub to which next one, as a matrix.
WITH steps AS (SELECT hub, lead(hub) OVER (PARTITION BY parcel_id ORDER BY seen_at) AS next FROM scans WHERE parcel_id IS NOT NULL)
PIVOT steps ON next IN ('VIE', 'MUC', 'ZRH') USING count(*) GROUP BY hub ORDER BY hub NULLS FIRST
