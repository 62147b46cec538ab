-- Customers who bought in two stores on days of one month and returned nothing of it.
SELECT count(DISTINCT s1.customer_id) AS customers, sum(s1.unit_price) AS shipping, sum(s1.discount) AS profit
FROM sales AS s1 JOIN stores AS st ON s1.store_id = st.store_id
WHERE st.region IN ('north', 'south')
    AND EXISTS (
        SELECT * FROM sales AS s2
        WHERE s1.customer_id = s2.customer_id AND s1.store_id <> s2.store_id
            AND date_trunc('month', s1.sold_at) = date_trunc('month', s2.sold_at)
    )
    AND NOT EXISTS (SELECT * FROM returns AS r1 WHERE s1.sale_id = r1.sale_id)
