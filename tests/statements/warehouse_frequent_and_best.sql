-- Takings of frequently sold products from the best customers.
WITH frequent AS (
    SELECT substr(title, 1, 30) AS itemdesc, p.product_id AS item, sold_at::DATE AS day, count(*) AS cnt
    FROM sales AS s, products AS p WHERE s.product_id = p.product_id
    GROUP BY substr(title, 1, 30), p.product_id, sold_at::DATE HAVING count(*) >= 1
),
max_store_sales AS (
    SELECT max(csales) AS tpcds_cmax FROM (SELECT customer_id, sum(quantity * unit_price) AS csales FROM sales GROUP BY customer_id)
),
best AS (
    SELECT customer_id, sum(quantity * unit_price) AS ssales FROM sales
    GROUP BY customer_id HAVING sum(quantity * unit_price) > 0.3 * (SELECT * FROM max_store_sales)
)
SELECT sum(worth) AS worth
FROM (
    SELECT quantity * unit_price AS worth FROM sales
    WHERE channel = 'web' AND product_id IN (SELECT item FROM frequent) AND customer_id IN (SELECT customer_id FROM best)
    UNION ALL
    SELECT quantity * unit_price FROM sales
    WHERE channel = 'store' AND product_id IN (SELECT item FROM frequent) AND customer_id IN (SELECT customer_id FROM best)
) AS y
