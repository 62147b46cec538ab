-- Brands sold in both years, in groups that sold more than the average sale was worth.
WITH cross_items AS (
    SELECT product_id AS ss_item FROM products, (
        SELECT brand AS brand_id, category AS category_id FROM sales JOIN products USING (product_id) WHERE year(sold_at) = 2023
        INTERSECT
        SELECT brand, category FROM sales JOIN products USING (product_id) WHERE year(sold_at) = 2024
    ) WHERE brand = brand_id AND category = category_id
),
avg_sales AS (
    SELECT avg(quantity * list_price) AS average_sales
    FROM (
        SELECT quantity, unit_price AS list_price FROM sales WHERE channel = 'web'
        UNION ALL
        SELECT quantity, unit_price FROM sales WHERE channel = 'store'
    ) AS x
)
SELECT channel, brand, sum(worth) AS worth, sum(number) AS number
FROM (
    SELECT channel, brand, sum(quantity * unit_price) AS worth, count(*) AS number
    FROM sales JOIN products USING (product_id)
    WHERE product_id IN (SELECT ss_item FROM cross_items)
    GROUP BY channel, brand
    HAVING sum(quantity * unit_price) > (SELECT average_sales FROM avg_sales)
) AS y
GROUP BY ROLLUP (channel, brand)
ORDER BY ALL
