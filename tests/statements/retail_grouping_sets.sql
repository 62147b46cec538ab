-- Pieces per category, per brand, and in all, in one table.
SELECT category, brand, sum(quantity) AS pieces, min(sold_at) AS first_sold, max(sold_at) AS last_sold
FROM sales NATURAL JOIN (SELECT product_id, category, brand FROM products)
GROUP BY GROUPING SETS ((category), (brand), ())
ORDER BY ALL
