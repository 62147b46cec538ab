-- The events that a feature may know: all, or those before $as_of.
SELECT
    *,
    coalesce(order_id, user_id || ' ' || day) AS basket,
    quantity - returned_quantity AS kept_quantity,
    amount * (quantity - returned_quantity) / quantity AS kept_amount
FROM events
WHERE $as_of::TIMESTAMP IS NULL OR event_time < $as_of::TIMESTAMP
