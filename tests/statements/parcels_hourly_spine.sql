-- Scans of each sixth hour, hours without any too, with a moving sum.
WITH spine AS (SELECT h FROM generate_series(TIMESTAMP '2024-03-01', TIMESTAMP '2024-03-06', INTERVAL 6 HOUR) AS t(h))
SELECT h, count(s.seen_at) AS n, sum(count(s.seen_at)) OVER (ORDER BY h RANGE BETWEEN INTERVAL 12 HOUR PRECEDING AND CURRENT ROW) AS recent
FROM spine LEFT JOIN scans s ON time_bucket(INTERVAL 6 HOUR, s.seen_at) = spine.h GROUP BY h ORDER BY h
