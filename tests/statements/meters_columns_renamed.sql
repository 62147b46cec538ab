-- Names of columns made by a pattern.
SELECT meter, avg(COLUMNS('(k)wh')) AS 'mean_\1', min(COLUMNS(lambda c: c = 'seen_at')) AS first FROM meter_values GROUP BY meter ORDER BY meter
