-- Customers by month of first purchase and of each purchase, as a pivot of a CTE.
WITH f AS (SELECT customer_id, min(sold_at) AS first_at FROM sales GROUP BY customer_id),
m AS (SELECT strftime(f.first_at, '%Y-Q') || quarter(f.first_at) AS cohort, date_diff('quarter', f.first_at, s.sold_at) AS age, s.customer_id FROM f JOIN sales s USING (customer_id))
SELECT * FROM (PIVOT m ON age IN (0, 1, 2, 3) USING count(DISTINCT customer_id) GROUP BY cohort) ORDER BY cohort
