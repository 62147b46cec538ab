-- Takings, what came back and profit of each channel and store, with sums.
WITH movements AS (
    SELECT store_id, channel, unit_price * quantity AS sold, 0::DECIMAL(12, 2) AS back, sold_at::DATE AS day FROM sales
    UNION ALL
    SELECT s.store_id, s.channel, 0, s.unit_price * r.quantity, r.returned_at::DATE
    FROM returns AS r LEFT OUTER JOIN sales AS s ON s.sale_id = r.sale_id
)
SELECT channel, 'store ' || st.store_name AS store, sum(sold) AS sold, sum(back) AS back, sum(sold) - sum(back) AS kept
FROM movements AS m JOIN stores AS st USING (store_id)
WHERE day BETWEEN DATE '2023-02-01' AND DATE '2024-06-30'
GROUP BY ROLLUP (channel, store)
ORDER BY ALL
