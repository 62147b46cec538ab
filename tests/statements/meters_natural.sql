-- A natural join over what two queries have in common.
SELECT * FROM (SELECT meter, kwh, seen_at::DATE AS day FROM meter_values WHERE quality = 'ok') NATURAL JOIN (SELECT meter, max(kwh) AS kwh FROM meter_values WHERE quality = 'ok' GROUP BY meter) ORDER BY ALL
