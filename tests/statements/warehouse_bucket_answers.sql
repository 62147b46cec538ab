-- For bands of quantities the mean discount where there are many sales of the band, else the mean price.
SELECT
    CASE WHEN (SELECT count(*) FROM sales WHERE quantity BETWEEN 1 AND 2) > 30
        THEN (SELECT avg(discount) FROM sales WHERE quantity BETWEEN 1 AND 2)
        ELSE (SELECT avg(unit_price) FROM sales WHERE quantity BETWEEN 1 AND 2) END AS bucket1,
    CASE WHEN (SELECT count(*) FROM sales WHERE quantity > 2) > 1000
        THEN (SELECT avg(discount) FROM sales WHERE quantity > 2)
        ELSE (SELECT avg(unit_price) FROM sales WHERE quantity > 2) END AS bucket2,
    store_name
FROM stores
WHERE store_id = 1
