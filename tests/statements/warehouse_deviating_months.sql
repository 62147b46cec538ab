-- Months that differ from the mean of their year, beside the month before and after.
WITH v1 AS (
    SELECT
        category, year(sold_at) AS year, month(sold_at) AS month, sum(unit_price) AS sum_sales,
        avg(sum(unit_price)) OVER (PARTITION BY category, year(sold_at)) AS avg_monthly_sales,
        rank() OVER (PARTITION BY category ORDER BY year(sold_at), month(sold_at)) AS rn
    FROM products, sales WHERE sales.product_id = products.product_id AND category IS NOT NULL
    GROUP BY category, year(sold_at), month(sold_at)
),
v2 AS (
    SELECT v1.category, v1.year, v1.month, v1.avg_monthly_sales, v1.sum_sales, v1_lag.sum_sales AS psum, v1_lead.sum_sales AS nsum
    FROM v1, v1 AS v1_lag, v1 AS v1_lead
    WHERE v1.category = v1_lag.category AND v1.category = v1_lead.category AND v1.rn = v1_lag.rn + 1 AND v1.rn = v1_lead.rn - 1
)
SELECT * FROM v2
WHERE avg_monthly_sales > 0 AND abs(sum_sales - avg_monthly_sales) / avg_monthly_sales > 0.1
ORDER BY sum_sales - avg_monthly_sales, category, year, month
LIMIT 20
