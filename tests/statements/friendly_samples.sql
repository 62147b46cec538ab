-- All of the rows, asked for as samples.
WITH taken AS (SELECT customer_id, quantity FROM sales TABLESAMPLE 100%)
SELECT c.region, sum(s.quantity) AS pieces, count(*) AS lines
FROM taken AS s
JOIN (SELECT customer_id, region FROM customers USING SAMPLE 100 PERCENT (bernoulli)) AS c USING (customer_id)
GROUP BY c.region
