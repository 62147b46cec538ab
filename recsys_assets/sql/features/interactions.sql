-- What the models learn from: one row for each user, item and behaviour.
--
-- Only what was kept counts: a fully returned purchase gives no interaction. Sums are taken over exact decimals, so
-- that they do not depend on the order of rows.
--
-- column: user_id: the customer
-- column: item_id: the product
-- column: behaviour: purchase, view, cart, …
-- column: subset: train, valid or test, for sources that come already split; the first of them that has the pair
-- column: count: events
-- column: quantity: pieces kept
-- column: spend: what was paid for them
-- column: first_time: the first event
-- column: last_time: the last event
-- column: recency_weight: sum over the events of 2^(-age / half-life), age in days before the last event of all
WITH newest AS (
    SELECT max(event_time) AS event_time FROM seen_events
)

SELECT
    seen_events.user_id,
    seen_events.item_id,
    seen_events.behaviour,
    ['train', 'valid', 'test'][min(list_position(['train', 'valid', 'test'], seen_events.subset))] AS subset,
    count(*) AS count,
    sum(seen_events.kept_quantity::DECIMAL(18, 4))::DOUBLE AS quantity,
    coalesce(sum(seen_events.kept_amount::DECIMAL(18, 4)), 0)::DOUBLE AS spend,
    min(seen_events.event_time) AS first_time,
    max(seen_events.event_time) AS last_time,
    sum(
        pow(2, (epoch(seen_events.event_time) - epoch(newest.event_time)) / 86400 / $half_life_days::DOUBLE)
        ::DECIMAL(18, 12)
    )::DOUBLE AS recency_weight
FROM seen_events
CROSS JOIN newest
WHERE seen_events.kept_quantity > 0
GROUP BY seen_events.user_id, seen_events.item_id, seen_events.behaviour
