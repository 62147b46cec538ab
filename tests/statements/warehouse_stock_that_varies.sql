-- Products whose stock varies much in one month and in the next.
WITH inv AS (
    SELECT store_id, product_id, month, stdev, mean, CASE mean WHEN 0 THEN NULL ELSE stdev / mean END AS cov
    FROM (
        SELECT store_id, product_id, day(day) // 6 AS month, stddev_samp(on_hand) AS stdev, avg(on_hand) AS mean
        FROM inventory GROUP BY store_id, product_id, day(day) // 6
    ) AS foo
    WHERE CASE mean WHEN 0 THEN 0 ELSE coalesce(stdev, 1) / mean END > 0.01
)
SELECT inv1.store_id, inv1.product_id, inv1.month, inv1.mean, inv1.cov, inv2.month AS month2, inv2.mean AS mean2, inv2.cov AS cov2
FROM inv AS inv1, inv AS inv2
WHERE inv1.product_id = inv2.product_id AND inv1.store_id = inv2.store_id AND inv2.month = inv1.month + 1
ORDER BY ALL
