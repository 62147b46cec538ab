-- Products that make eighty percent of sales.
WITH t AS (SELECT product_id, sum(quantity * unit_price) AS value FROM sales GROUP BY product_id),
c AS (SELECT *, sum(value) OVER (ORDER BY value DESC, product_id) / sum(value) OVER () AS cumulated FROM t WHERE value IS NOT NULL)
SELECT p.title, c.value, c.cumulated, CASE WHEN c.cumulated <= 0.8 THEN 'A' WHEN c.cumulated <= 0.95 THEN 'B' ELSE 'C' END AS class
FROM c LEFT JOIN products p USING (product_id) ORDER BY c.value DESC, c.product_id
