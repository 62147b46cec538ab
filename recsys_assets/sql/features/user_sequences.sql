-- What each customer chose, in order: the last 200 events that were kept, oldest first.
--
-- Events of one moment are ordered by order, item and place in the file, so the order is the same each time.
--
-- column: user_id: the customer
-- column: items: item ids
-- column: behaviours: purchase, view, cart, …, one for each item
-- column: times: times of the events, one for each item
-- column: length: number of items
WITH placed AS (
    SELECT
        user_id,
        item_id,
        behaviour,
        event_time,
        row_number() OVER (
            PARTITION BY user_id
            ORDER BY event_time DESC, order_id DESC, item_id DESC, behaviour DESC, _file DESC, _line DESC
        ) AS place
    FROM seen_events
    WHERE kept_quantity > 0
)

SELECT
    user_id,
    list(item_id ORDER BY place DESC) AS items,
    list(behaviour ORDER BY place DESC) AS behaviours,
    list(event_time ORDER BY place DESC) AS times,
    count(*) AS length
FROM placed
WHERE place <= 200
GROUP BY user_id
