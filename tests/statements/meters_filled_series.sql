-- Each meter at each sixth hour, the last good value carried forward.
WITH spine AS (SELECT m.meter, h.h FROM meters m CROSS JOIN generate_series(TIMESTAMP '2024-02-01', TIMESTAMP '2024-02-02', INTERVAL 6 HOUR) AS h(h))
SELECT s.meter, s.h, v.kwh, v.seen_at AS measured FROM spine s
ASOF LEFT JOIN (SELECT * FROM meter_values WHERE quality = 'ok' AND kwh IS NOT NULL) v ON v.meter = s.meter AND v.seen_at <= s.h
ORDER BY s.meter, s.h
