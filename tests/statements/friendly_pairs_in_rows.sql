-- Rows compared as rows, and looked for as rows.
SELECT s.sale_id, (s.quantity, s.unit_price) > (2, 20) AS large, (s.customer_id, s.product_id) IN (SELECT (customer_id, product_id) FROM sales WHERE channel = 'web') AS on_web
FROM sales AS s
WHERE (s.store_id, s.product_id) IN (SELECT store_id, product_id FROM inventory WHERE on_hand > 5)
    OR s.discount IS NOT DISTINCT FROM NULL AND s.quantity = ANY (SELECT quantity FROM returns)
ORDER BY s.sale_id
