-- Stock that would last longer than ninety days at the pace at which it sells.
WITH pace AS (
    SELECT
        product_id,
        store_id,
        sum(quantity) / greatest(datediff('day', min(sold_at), max(sold_at)), 1) AS per_day
    FROM sales
    GROUP BY product_id, store_id
),
stock AS (
    SELECT product_id, store_id, arg_max(on_hand, day) AS on_hand, max(day) AS as_of
    FROM inventory
    GROUP BY product_id, store_id
)
SELECT p.title, st.store_name, stock.on_hand, stock.as_of, round(stock.on_hand / nullif(pace.per_day, 0), 2) AS lasts
FROM stock
LEFT JOIN pace USING (product_id, store_id)
INNER JOIN products AS p USING (product_id)
INNER JOIN stores AS st USING (store_id)
WHERE pace.per_day IS NULL OR stock.on_hand / nullif(pace.per_day, 0) > 90
