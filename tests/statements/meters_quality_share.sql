-- Shares of each quality, per meter and over all.
SELECT coalesce(meter, 'all') AS meter, count(*) AS n, round(count(*) FILTER (quality = 'ok') / count(*), 3) AS ok,
  max(quality) AS worst, min(kwh) FILTER (quality <> 'bad') AS low
FROM meter_values GROUP BY ROLLUP (meter) ORDER BY ALL
