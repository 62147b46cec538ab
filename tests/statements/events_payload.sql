-- Values in documents, by arrows, paths and functions.
SELECT event_id, payload->>'screen' AS screen, payload->'ab'->>'group' AS "group", (payload->'$.ab.seen')::INTEGER AS seen,
  json_array_length(payload->'items') AS items, payload->>'$.items[0].sku' AS first_sku, json_extract(payload, '$.total')::DOUBLE AS total
FROM app_events WHERE json_type(payload, '$.total') IS NOT NULL ORDER BY event_id
