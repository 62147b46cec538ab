-- Of each customer the stores away from home, those near, and the pieces that came and went, by queries of the customer.
SELECT
    c.customer_id,
    (WITH own AS (SELECT store_id, quantity FROM sales WHERE customer_id = c.customer_id), large AS (SELECT * FROM own WHERE quantity > 1)
        SELECT count(*) FROM large) AS large_lines,
    (SELECT count(*) FROM (SELECT store_id FROM sales WHERE customer_id = c.customer_id
        EXCEPT SELECT store_id FROM stores WHERE region = c.region)) AS away,
    (SELECT count(*) FROM (SELECT store_id FROM sales WHERE customer_id = c.customer_id
        INTERSECT SELECT store_id FROM stores WHERE region = c.region)) AS near,
    (SELECT max(pieces) FROM (SELECT quantity AS pieces FROM sales WHERE customer_id = c.customer_id
        UNION ALL BY NAME SELECT r.reason, r.quantity AS pieces FROM returns AS r JOIN sales AS s USING (sale_id) WHERE s.customer_id = c.customer_id)) AS most
FROM customers AS c
