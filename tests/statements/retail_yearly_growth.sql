-- Revenue of each category per month against the same month a year before, for categories that sold in both.
WITH monthly AS (
    SELECT
        p.category,
        date_trunc('month', s.sold_at) AS month,
        sum(s.quantity * s.unit_price - coalesce(s.discount, 0)) AS revenue,
        count(DISTINCT s.customer_id) AS buyers
    FROM sales AS s
    INNER JOIN products AS p ON p.product_id = s.product_id
    WHERE s.quantity > 0
    GROUP BY ALL
),
compared AS (
    SELECT
        now.category,
        now.month,
        now.revenue,
        before.revenue AS revenue_before,
        now.buyers - before.buyers AS more_buyers
    FROM monthly AS now
    LEFT JOIN monthly AS before
        ON before.category = now.category AND before.month = now.month - INTERVAL 1 YEAR
)
SELECT
    category,
    month,
    revenue,
    round(100 * (revenue - revenue_before) / nullif(revenue_before, 0), 1) AS growth,
    more_buyers
FROM compared
ORDER BY category NULLS LAST, month
