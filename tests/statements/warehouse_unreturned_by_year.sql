-- What was bought and kept by customer and year: web beside stores.
WITH kept AS (
    SELECT year(sold_at) AS year, channel, customer_id, sum(s.quantity) AS pieces, sum(unit_price) AS price
    FROM sales AS s LEFT JOIN returns AS r ON r.sale_id = s.sale_id
    WHERE r.sale_id IS NULL
    GROUP BY year(sold_at), channel, customer_id
)
SELECT
    st.customer_id, round(st.pieces / (coalesce(w.pieces, 0) + 1), 2) AS ratio, st.pieces AS store_pieces, st.price AS store_price,
    coalesce(w.pieces, 0) AS other_pieces, w.price AS other_price
FROM (SELECT * FROM kept WHERE channel = 'store') AS st
LEFT JOIN (SELECT * FROM kept WHERE channel = 'web') AS w ON w.year = st.year AND w.customer_id = st.customer_id
WHERE coalesce(w.pieces, 0) >= 0 AND st.year = 2023 AND st.customer_id IS NOT NULL
ORDER BY st.customer_id
