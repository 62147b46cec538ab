-- Products of which nothing ever came back, and the customers who never bought anything.
SELECT 'product' AS kind, p.product_id AS id, p.title AS label
FROM products AS p
WHERE NOT EXISTS (
    SELECT 1 FROM sales AS s INNER JOIN returns AS r ON r.sale_id = s.sale_id WHERE s.product_id = p.product_id
)
UNION ALL BY NAME
SELECT name AS label, customer_id AS id, 'customer' AS kind
FROM customers
WHERE customer_id NOT IN (SELECT customer_id FROM sales WHERE customer_id IS NOT NULL)
