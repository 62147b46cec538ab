-- Rows compared as values.
SELECT p.parcel_id FROM parcels p
WHERE (p."from.hub", p.parcel_id) IN (SELECT (s.hub, s.parcel_id) FROM scans s WHERE s.state = 'taken')
  AND row(p.weight_g, p.parcel_id) > (500, 3) ORDER BY 1
