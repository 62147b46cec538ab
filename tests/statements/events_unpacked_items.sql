-- The items of each document as rows, with positions.
SELECT e.event_id, i.place, i.item->>'sku' AS sku, (i.item->>'qty')::INTEGER AS qty
FROM app_events e, LATERAL (SELECT unnest(from_json(e.payload->'items', '["JSON"]')) AS item, generate_subscripts(from_json(e.payload->'items', '["JSON"]'), 1) AS place) i
ORDER BY e.event_id, i.place
