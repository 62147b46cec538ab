-- Revenue per month, one column for each channel.
WITH lines AS (
    SELECT strftime(sold_at, '%Y-%m') AS month, channel, quantity * unit_price AS revenue
    FROM sales
)
FROM (
    PIVOT lines ON channel IN ('web', 'store', 'phone') USING sum(revenue) AS revenue, count(*) AS lines GROUP BY month
)
ORDER BY month
