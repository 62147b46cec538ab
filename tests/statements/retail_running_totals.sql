-- Running revenue of each customer and the mean of the last three sales.
SELECT
    customer_id,
    sale_id,
    sum(quantity * unit_price) OVER so_far AS spent_so_far,
    avg(unit_price) OVER (PARTITION BY customer_id ORDER BY sold_at, sale_id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
        AS recent_price,
    count(*) OVER (
        PARTITION BY customer_id ORDER BY sold_at
        RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND CURRENT ROW
    ) AS sales_in_month,
    sold_at - lag(sold_at) OVER so_far AS since_last,
    first_value(product_id) OVER so_far AS first_product,
    nth_value(product_id, 2) OVER so_far AS second_product
FROM sales
WHERE customer_id IS NOT NULL
WINDOW so_far AS (PARTITION BY customer_id ORDER BY sold_at, sale_id)
