-- Values above the limit of their time of day.
SELECT v.meter, v.seen_at, v.kwh, CASE WHEN hour(v.seen_at) BETWEEN 6 AND 21 THEN 'day' ELSE 'night' END AS kind, m.limits[kind] AS high
FROM meter_values v JOIN meters m USING (meter) WHERE v.kwh > coalesce(m.limits[kind], 6) ORDER BY v.meter, v.seen_at
