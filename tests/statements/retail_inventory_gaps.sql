-- Days between two counts of a product in a store, and how the stock moved.
SELECT
    product_id,
    store_id,
    day,
    day - lag(day) OVER counts AS days_between,
    on_hand - lag(on_hand, 1, 0) OVER counts AS moved,
    max(on_hand) OVER (counts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS most_before
FROM inventory
WINDOW counts AS (PARTITION BY product_id, store_id ORDER BY day)
QUALIFY days_between IS NULL OR days_between > 3
