-- Customers who returned more than a fifth above what customers of the same store return on average.
WITH returned AS (
    SELECT s.customer_id, s.store_id, sum(r.quantity * s.unit_price) AS worth
    FROM returns AS r, sales AS s
    WHERE r.sale_id = s.sale_id AND s.store_id IS NOT NULL
    GROUP BY s.customer_id, s.store_id
)
SELECT c.customer_id, c.name, r1.store_id, r1.worth
FROM returned AS r1, stores AS st, customers AS c
WHERE r1.worth > (SELECT avg(worth) * 1.2 FROM returned AS r2 WHERE r1.store_id = r2.store_id)
    AND st.store_id = r1.store_id AND st.region IN ('north', 'south', 'east') AND r1.customer_id = c.customer_id
ORDER BY ALL
LIMIT 100
