-- The interactions, divided by global time cut-offs: the last weeks judge the models, the weeks before choose among
-- them, and all earlier ones train them.
--
-- One row a user, item, behaviour and subset; every statistic is made of that subset's events only, so nothing of
-- the later ones leaks into training. A source that is divided already keeps its own division. Fully returned
-- purchases do not count.
--
-- column: user_id: the customer
-- column: item_id: the product
-- column: behaviour: purchase, view, cart, …
-- column: subset: train, valid or test
-- column: count: how often, within the subset
-- column: quantity: pieces kept, within the subset
-- column: spend: what was paid, within the subset
-- column: first_time: the first time, within the subset
-- column: last_time: the last time, within the subset
WITH kept AS (
    SELECT * FROM events WHERE quantity > coalesce(returned_quantity, 0)
),

cut_offs AS (
    SELECT
        max(event_time) - to_days($holdout_weeks::INTEGER * 7) AS test_starts,
        max(event_time) - to_days($holdout_weeks::INTEGER * 14) AS valid_starts
    FROM kept
),

divided AS (
    SELECT
        kept.*,
        coalesce(
            kept.subset,
            CASE
                WHEN kept.event_time > cut_offs.test_starts THEN 'test'
                WHEN kept.event_time > cut_offs.valid_starts THEN 'valid'
                ELSE 'train'
            END
        ) AS part
    FROM kept
    CROSS JOIN cut_offs
)

SELECT
    user_id,
    item_id,
    behaviour,
    part AS subset,
    count(*) AS count,
    sum((quantity - coalesce(returned_quantity, 0))::DECIMAL(18, 3))::DOUBLE AS quantity,
    sum(amount::DECIMAL(18, 4))::DOUBLE AS spend,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM divided
GROUP BY user_id, item_id, behaviour, part
