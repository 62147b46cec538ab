-- The events that a feature may know: all, or those before $as_of, with what had come back of them until then.
SELECT
    * EXCLUDE (quantity_back),
    quantity - quantity_back AS kept_quantity,
    amount * (quantity - quantity_back) / quantity AS kept_amount
FROM (
    SELECT
        *,
        coalesce(order_id, user_id || ' ' || day) AS basket,
        CASE
            WHEN $as_of::TIMESTAMP IS NULL THEN returned_quantity
            ELSE coalesce(
                list_sum([
                    back.quantity::DECIMAL(18, 4) FOR back IN returns IF back.event_time < $as_of::TIMESTAMP
                ])::DOUBLE,
                0
            )
        END AS quantity_back
    FROM events
    WHERE $as_of::TIMESTAMP IS NULL OR event_time < $as_of::TIMESTAMP
) AS before
