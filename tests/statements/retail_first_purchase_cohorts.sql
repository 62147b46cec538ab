-- How many customers of each first month bought again one, two and three months later.
WITH firsts AS (
    SELECT customer_id, min(date_trunc('month', sold_at)) AS cohort FROM sales GROUP BY customer_id
),
active AS (
    SELECT DISTINCT customer_id, date_trunc('month', sold_at) AS month FROM sales
),
ages AS (
    SELECT cohort, customer_id, datediff('month', cohort, month) AS age
    FROM firsts INNER JOIN active USING (customer_id)
)
SELECT
    cohort,
    count(DISTINCT customer_id) AS customers,
    count(DISTINCT customer_id) FILTER (age = 1) AS after_one,
    count(DISTINCT customer_id) FILTER (age = 2) AS after_two,
    count(DISTINCT CASE WHEN age = 3 THEN customer_id END) AS after_three
FROM ages
GROUP BY cohort
ORDER BY cohort
