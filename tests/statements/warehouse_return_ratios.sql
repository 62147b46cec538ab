-- Channels' products with the worst return ratios, by quantity and by money.
SELECT channel, item, return_ratio, return_rank, currency_rank
FROM (
    SELECT
        channel, item, return_ratio,
        rank() OVER (PARTITION BY channel ORDER BY return_ratio) AS return_rank,
        rank() OVER (PARTITION BY channel ORDER BY currency_ratio) AS currency_rank
    FROM (
        SELECT
            s.channel, s.product_id AS item,
            cast(sum(coalesce(r.quantity, 0)) AS DECIMAL(15, 4)) / cast(sum(coalesce(s.quantity, 0)) AS DECIMAL(15, 4)) AS return_ratio,
            sum(coalesce(r.quantity, 0) * s.unit_price) / sum(s.quantity * s.unit_price) AS currency_ratio
        FROM sales AS s LEFT OUTER JOIN returns AS r ON s.sale_id = r.sale_id
        WHERE s.quantity > 0 AND s.unit_price > 0
        GROUP BY s.channel, s.product_id
    ) AS in_channel
) AS ranked
WHERE return_rank <= 5 OR currency_rank <= 5
ORDER BY ALL
