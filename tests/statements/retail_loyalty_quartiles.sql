-- Customers in quarters of what they spent, and how far each is from the next quarter.
WITH spent AS (
    SELECT c.customer_id, c.segment, coalesce(sum(s.quantity * s.unit_price), 0) AS amount
    FROM customers AS c
    LEFT JOIN sales AS s ON s.customer_id = c.customer_id AND s.channel IN ('web', 'store')
    GROUP BY c.customer_id, c.segment
),
ranked AS (
    SELECT *, ntile(4) OVER (ORDER BY amount, customer_id) AS quarter, percent_rank() OVER (ORDER BY amount) AS share
    FROM spent
)
SELECT
    r.customer_id,
    r.segment,
    r.amount,
    r.quarter,
    round(r.share, 4) AS share,
    (SELECT min(up.amount) FROM ranked AS up WHERE up.quarter = r.quarter + 1) - r.amount AS to_next
FROM ranked AS r
