-- Whole rows of a lateral subquery whose columns have no names, beside an array of expressions.
SELECT m.meter, x.*, ARRAY(SELECT v.kwh * 2 FROM meter_values v WHERE v.meter = m.meter AND v.quality = 'ok' ORDER BY v.seen_at LIMIT 3) AS doubled
FROM meters m, LATERAL (SELECT count(*), max(v.kwh) + 1 FROM meter_values v WHERE v.meter = m.meter) x ORDER BY m.meter
