-- Sales of customers that are known, of products that were never in stock there.
SELECT s.sale_id, s.product_id, s.store_id, s.channel
FROM sales AS s
SEMI JOIN customers AS c ON c.customer_id = s.customer_id AND c.segment IS NOT NULL
ANTI JOIN inventory AS i ON i.product_id = s.product_id AND i.store_id = s.store_id AND i.on_hand > 0
