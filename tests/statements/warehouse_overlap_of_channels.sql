-- How many customers and products are in stores only, on the web only, in both.
WITH ssci AS (
    SELECT customer_id, product_id FROM sales WHERE channel = 'store' GROUP BY customer_id, product_id
),
csci AS (
    SELECT customer_id, product_id FROM sales WHERE channel = 'web' GROUP BY customer_id, product_id
)
SELECT
    sum(CASE WHEN ssci.customer_id IS NOT NULL AND csci.customer_id IS NULL THEN 1 ELSE 0 END) AS store_only,
    sum(CASE WHEN ssci.customer_id IS NULL AND csci.customer_id IS NOT NULL THEN 1 ELSE 0 END) AS web_only,
    sum(CASE WHEN ssci.customer_id IS NOT NULL AND csci.customer_id IS NOT NULL THEN 1 ELSE 0 END) AS both
FROM ssci FULL OUTER JOIN csci ON ssci.customer_id = csci.customer_id AND ssci.product_id = csci.product_id
