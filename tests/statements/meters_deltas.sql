-- Differences to the value before, with resets taken for new counters.
SELECT meter, seen_at, CASE WHEN kwh < before THEN kwh ELSE kwh - before END AS used, kwh < before AS was_reset
FROM (SELECT *, lag(kwh) OVER (PARTITION BY meter ORDER BY seen_at) AS before FROM meter_values WHERE quality <> 'bad') WHERE before IS NOT NULL ORDER BY meter, seen_at
