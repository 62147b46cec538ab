-- Pairs of products that the same customer bought within a week, and how much more often than chance.
WITH bought AS (
    SELECT DISTINCT customer_id, product_id, date_trunc('week', sold_at) AS week
    FROM sales
    WHERE customer_id IS NOT NULL
),
counted AS (
    SELECT product_id, count(*) AS weeks FROM bought GROUP BY product_id
)
SELECT a.product_id AS one, b.product_id AS other, count(*) AS together, count(*) / (any_value(x.weeks) * any_value(y.weeks)) AS lift
FROM bought AS a
INNER JOIN bought AS b ON a.customer_id = b.customer_id AND a.week = b.week AND a.product_id < b.product_id
INNER JOIN counted AS x ON x.product_id = a.product_id
INNER JOIN counted AS y ON y.product_id = b.product_id
GROUP BY a.product_id, b.product_id
ORDER BY together DESC, one, other
LIMIT 25
