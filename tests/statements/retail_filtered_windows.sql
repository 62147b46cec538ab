-- Windows that look only at some rows, with peers left out.
SELECT
    sale_id,
    store_id,
    sum(quantity) FILTER (WHERE channel = 'web') OVER by_day AS web_pieces,
    avg(unit_price) OVER (PARTITION BY store_id ORDER BY sale_id ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW)
        AS around,
    last_value(coupon IGNORE NULLS) OVER by_day AS last_coupon,
    list(product_id) OVER (PARTITION BY store_id ORDER BY sale_id ROWS 2 PRECEDING) AS last_products
FROM sales
WHERE store_id < 6
WINDOW by_day AS (PARTITION BY store_id ORDER BY sold_at, sale_id)
