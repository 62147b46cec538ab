-- The three best selling products of each region, with their share of the region's revenue.
SELECT
    st.region,
    p.title,
    sum(s.quantity * s.unit_price) AS revenue,
    revenue / sum(sum(s.quantity * s.unit_price)) OVER (PARTITION BY st.region) AS share,
    rank() OVER best AS place
FROM sales AS s
INNER JOIN stores AS st ON st.store_id = s.store_id
INNER JOIN products AS p ON p.product_id = s.product_id
GROUP BY st.region, p.title, p.product_id
WINDOW best AS (PARTITION BY st.region ORDER BY sum(s.quantity * s.unit_price) DESC, p.product_id)
QUALIFY place <= 3
ORDER BY st.region NULLS FIRST, place
