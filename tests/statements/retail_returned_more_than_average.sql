-- Customers whose returns in a store are worth more than 1.2 times the average of that store.
WITH returned AS (
    SELECT s.customer_id, s.store_id, sum(r.quantity * s.unit_price) AS amount
    FROM returns AS r
    INNER JOIN sales AS s USING (sale_id)
    GROUP BY s.customer_id, s.store_id
)
SELECT c.customer_id, c.name, st.store_name, one.amount
FROM returned AS one
INNER JOIN stores AS st ON st.store_id = one.store_id
INNER JOIN customers AS c ON c.customer_id = one.customer_id
WHERE one.amount > (
    SELECT avg(other.amount) * 1.2 FROM returned AS other WHERE other.store_id = one.store_id
)
ORDER BY c.customer_id, st.store_name, one.amount
LIMIT 100
