-- Documents as structs, their lists unnested and summed.
WITH typed AS (
  SELECT event_id, user_key, from_json(payload, '{"screen": "VARCHAR", "items": [{"sku": "VARCHAR", "qty": "INTEGER"}], "total": "DOUBLE"}') AS doc FROM app_events
), lines AS (SELECT user_key, unnest(doc.items) AS line, doc.total AS total FROM typed)
SELECT line.sku AS sku, sum(line.qty) AS pieces, count(DISTINCT user_key) AS users, sum(total) AS total
FROM lines GROUP BY ALL ORDER BY sku
