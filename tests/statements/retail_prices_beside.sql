-- How many discounts there are among near prices of a product, without equal prices, and the most pieces at the prices beside.
SELECT sale_id, product_id, unit_price,
    count(discount) OVER (PARTITION BY product_id ORDER BY unit_price RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING EXCLUDE TIES) AS near,
    max(quantity) OVER (PARTITION BY product_id ORDER BY unit_price GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) AS beside
FROM sales
ORDER BY ALL
