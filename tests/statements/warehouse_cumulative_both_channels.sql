-- Days on which the takings of the web so far lie above those of the stores so far.
WITH web AS (
    SELECT product_id, sold_at::DATE AS day, sum(sum(unit_price)) OVER (PARTITION BY product_id ORDER BY sold_at::DATE ROWS UNBOUNDED PRECEDING) AS cume
    FROM sales WHERE channel = 'web' GROUP BY product_id, sold_at::DATE
),
store AS (
    SELECT product_id, sold_at::DATE AS day, sum(sum(unit_price)) OVER (PARTITION BY product_id ORDER BY sold_at::DATE ROWS UNBOUNDED PRECEDING) AS cume
    FROM sales WHERE channel = 'store' GROUP BY product_id, sold_at::DATE
)
SELECT *
FROM (
    SELECT
        product_id, day, web_sales, store_sales,
        max(web_sales) OVER (PARTITION BY product_id ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS web_cumulative,
        max(store_sales) OVER (PARTITION BY product_id ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS store_cumulative
    FROM (
        SELECT
            CASE WHEN web.product_id IS NOT NULL THEN web.product_id ELSE store.product_id END AS product_id,
            coalesce(web.day, store.day) AS day, web.cume AS web_sales, store.cume AS store_sales
        FROM web FULL OUTER JOIN store ON web.product_id = store.product_id AND web.day = store.day
    ) AS x
) AS y
WHERE web_cumulative > store_cumulative
ORDER BY product_id, day
LIMIT 50
