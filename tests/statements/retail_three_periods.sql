-- Customers who bought in the first half and not in the second, and those who bought in both.
(
    SELECT customer_id, 'lost' AS state FROM sales WHERE month(sold_at) <= 6 AND customer_id IS NOT NULL
    EXCEPT
    SELECT customer_id, 'lost' FROM sales WHERE month(sold_at) > 6
)
UNION
(
    SELECT customer_id, 'kept' FROM sales WHERE month(sold_at) <= 6
    INTERSECT
    SELECT customer_id, 'kept' FROM sales WHERE month(sold_at) > 6
)
ORDER BY 1, 2
