-- FROM first with joins, a filter and no list of columns in one part.
FROM (FROM scans WHERE state = 'moved') m JOIN parcels p ON p.parcel_id = m.parcel_id AND p."from.hub" <> m.hub
SELECT p.parcel_id, m.hub, count(*) AS moves GROUP BY ALL ORDER BY ALL
