-- Slope, correlation and variance of the values over time.
SELECT meter, round(regr_slope(kwh, epoch(seen_at) / 3600), 6) AS slope, regr_count(kwh, epoch(seen_at)) AS n, round(corr(kwh, hour(seen_at)), 6) AS with_hour, round(var_pop(kwh), 6) AS spread
FROM meter_values GROUP BY meter ORDER BY meter
