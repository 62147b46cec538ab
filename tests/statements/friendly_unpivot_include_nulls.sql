-- Prices and costs one below the other, unknown ones too, as shares of the mean of their kind.
WITH long AS (
    SELECT * FROM (SELECT product_id, category, price, cost FROM products) UNPIVOT INCLUDE NULLS (amount FOR kind IN (price, cost))
)
SELECT product_id, kind, amount / avg(amount) OVER (PARTITION BY kind, category) AS share, count(*) OVER (PARTITION BY category) AS of
FROM long
ORDER BY ALL
