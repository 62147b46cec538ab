-- Pieces per store and quarter of 2024, written as the standard writes it.
SELECT *
FROM (
    SELECT store_id, quarter(sold_at) AS quarter, quantity
    FROM sales
    WHERE year(sold_at) = 2024
)
PIVOT (
    sum(quantity) AS pieces, max(quantity) AS most
    FOR quarter IN (1, 2, 3, 4)
    GROUP BY store_id
)
ORDER BY store_id
