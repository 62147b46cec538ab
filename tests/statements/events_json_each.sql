-- Keys and types in the documents of purchases.
SELECT j.key, j.type, count(*) AS n FROM app_events e, json_each(e.payload) AS j WHERE e.kind = 'buy' GROUP BY ALL ORDER BY ALL
