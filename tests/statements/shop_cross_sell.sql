-- For each category the one that is most often sold to the same customers.
WITH b AS (SELECT DISTINCT s.customer_id, p.category FROM sales s JOIN products p USING (product_id) WHERE s.customer_id IS NOT NULL AND p.category IS NOT NULL),
n AS (SELECT a.category, b.category AS other, count(*) AS together FROM b a JOIN b ON a.customer_id = b.customer_id AND a.category <> b.category GROUP BY 1, 2)
SELECT category, other, together FROM n QUALIFY row_number() OVER (PARTITION BY category ORDER BY together DESC, other) = 1 ORDER BY category
