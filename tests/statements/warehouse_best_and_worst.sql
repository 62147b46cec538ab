-- The best and the worst products by mean price, side by side by their ranks.
SELECT asceding.rnk, i1.title AS best_performing, i2.title AS worst_performing
FROM (
    SELECT * FROM (
        SELECT product_id, rank() OVER (ORDER BY rank_col ASC, product_id) AS rnk
        FROM (
            SELECT product_id, avg(unit_price) AS rank_col FROM sales AS ss1 GROUP BY product_id
            HAVING avg(unit_price) > 0.1 * (SELECT avg(unit_price) FROM sales WHERE store_id IS NOT NULL)
        ) AS v1
    ) AS v11 WHERE rnk < 6
) AS asceding
JOIN (
    SELECT * FROM (
        SELECT product_id, rank() OVER (ORDER BY rank_col DESC, product_id) AS rnk
        FROM (SELECT product_id, avg(unit_price) AS rank_col FROM sales AS ss1 GROUP BY product_id) AS v2
    ) AS v21 WHERE rnk < 6
) AS descending ON asceding.rnk = descending.rnk
JOIN products AS i1 ON i1.product_id = asceding.product_id
JOIN products AS i2 ON i2.product_id = descending.product_id
ORDER BY asceding.rnk
