-- Attributes of products, one a row, with how many products share them.
WITH attributes AS (
    SELECT product_id, brand, unnest(map_entries(attributes)) AS entry FROM products WHERE cardinality(attributes) > 0
)
SELECT product_id, entry.key AS attribute, entry.value AS held, count(*) OVER (PARTITION BY entry.key, entry.value) AS shared, max(brand) OVER (PARTITION BY entry.key) AS last_brand
FROM attributes
ORDER BY ALL
