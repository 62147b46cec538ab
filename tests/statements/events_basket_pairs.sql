-- Pairs of articles in the same document, with support, confidence and lift.
WITH items AS (
  SELECT DISTINCT event_id, json_extract_string(unnest(json_extract(payload, '$.items[*]')), '$.sku') AS sku FROM app_events
), singles AS (SELECT sku, count(*) AS n FROM items WHERE sku IS NOT NULL GROUP BY sku), total AS (SELECT count(DISTINCT event_id) AS n FROM items)
SELECT a.sku AS one, b.sku AS other, count(*) AS together, count(*) / any_value(sa.n) AS confidence, count(*) * any_value(total.n) / (any_value(sa.n) * any_value(sb.n)) AS lift
FROM items a JOIN items b ON a.event_id = b.event_id AND a.sku < b.sku JOIN singles sa ON sa.sku = a.sku JOIN singles sb ON sb.sku = b.sku, total
GROUP BY a.sku, b.sku ORDER BY ALL
