-- Customers whose spending on the web grew faster than in the shops.
WITH year_total AS (
    SELECT customer_id, year(sold_at) AS year, sum((unit_price - coalesce(discount, 0)) * quantity) AS total, 's' AS kind
    FROM sales WHERE channel = 'store' GROUP BY customer_id, year(sold_at)
    UNION ALL
    SELECT customer_id, year(sold_at) AS year, sum((unit_price - coalesce(discount, 0)) * quantity), 'w'
    FROM sales WHERE channel <> 'store' GROUP BY customer_id, year(sold_at)
)
SELECT DISTINCT c.customer_id, c.name, c.segment
FROM year_total AS s1
JOIN year_total AS s2 ON s2.customer_id = s1.customer_id AND s2.kind = 's' AND s2.year = s1.year + 1
JOIN year_total AS w1 ON w1.customer_id = s1.customer_id AND w1.kind = 'w' AND w1.year = s1.year
JOIN year_total AS w2 ON w2.customer_id = s1.customer_id AND w2.kind = 'w' AND w2.year = s2.year
JOIN customers AS c ON c.customer_id = s1.customer_id
WHERE s1.kind = 's' AND s1.total > 0
    AND CASE WHEN w1.total > 0 THEN w2.total / w1.total ELSE 0.0 END > CASE WHEN s1.total > 0 THEN s2.total / s1.total END
ORDER BY c.customer_id
