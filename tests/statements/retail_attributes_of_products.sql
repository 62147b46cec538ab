-- Attributes of products, one row each, and those that are asked for by name.
SELECT
    p.product_id,
    entry.key AS attribute,
    entry.value AS setting,
    p.attributes['colour'] AS colour,
    cardinality(p.attributes) AS attributes,
    coalesce(p.attributes['size'], 'none') AS size
FROM products AS p, LATERAL (SELECT unnest(map_entries(p.attributes)) AS entry)
WHERE p.price > 5
