-- The interactions, split by global time cut-offs: the last weeks test the models, the weeks before validate them, and
-- all earlier ones train them.
--
-- Where weeks leave a part empty (a young shop, one that was closed), the days with events are split instead, or the
-- moments of fewer than three days: half of them train, a quarter each validate and test.
--
-- One row per user, item, behaviour and subset; every statistic is made of that subset's events only, and pieces count
-- as returned only if they came back within the subset, so nothing of the later ones leaks into training. A source
-- that comes already split keeps its own split.
--
-- column: user_id: the customer
-- column: item_id: the product
-- column: behaviour: purchase, view, cart, …
-- column: subset: train, valid or test
-- column: is_target: whether it is the target behaviour of the source, which recommendations aim at
-- column: count: number of events, within the subset
-- column: quantity: pieces kept, within the subset
-- column: spend: what was paid for them, within the subset
-- column: first_time: the first time, within the subset
-- column: last_time: the last time, within the subset
WITH by_weeks AS (
    SELECT
        max(event_time) - to_days($holdout_weeks::INTEGER * 7) AS test_starts,
        max(event_time) - to_days($holdout_weeks::INTEGER * 14) AS valid_starts
    FROM events
),

moments AS (
    SELECT DISTINCT
        CASE
            WHEN (SELECT count(DISTINCT day) FROM events WHERE subset IS NULL) >= 3 THEN date_trunc('day', event_time)
            ELSE event_time
        END AS moment
    FROM events
    WHERE subset IS NULL
),

numbered AS (
    SELECT moment, row_number() OVER (ORDER BY moment DESC) AS place, greatest(1, count(*) OVER () // 4) AS share
    FROM moments
),

by_moments AS (
    SELECT
        max(moment) FILTER (WHERE place = share) - INTERVAL 1 MICROSECOND AS test_starts,
        max(moment) FILTER (WHERE place = 2 * share) - INTERVAL 1 MICROSECOND AS valid_starts
    FROM numbered
),

cut_offs AS (
    SELECT
        CASE WHEN whole THEN by_weeks.test_starts ELSE by_moments.test_starts END AS test_starts,
        CASE WHEN whole THEN by_weeks.valid_starts ELSE by_moments.valid_starts END AS valid_starts
    FROM by_weeks
    CROSS JOIN by_moments
    CROSS JOIN (
        SELECT coalesce(
            count(*) FILTER (WHERE event_time <= by_weeks.valid_starts) > 0
            AND count(*) FILTER (
                WHERE event_time > by_weeks.valid_starts AND event_time <= by_weeks.test_starts
            ) > 0,
            false
        ) AS whole
        FROM events
        CROSS JOIN by_weeks
        WHERE subset IS NULL
    ) AS weeks
),

divided AS (
    SELECT
        events.*,
        cut_offs.*,
        coalesce(
            events.subset,
            CASE
                WHEN events.event_time > cut_offs.test_starts THEN 'test'
                WHEN events.event_time > cut_offs.valid_starts THEN 'valid'
                ELSE 'train'
            END
        ) AS part
    FROM events
    CROSS JOIN cut_offs
),

kept AS (
    SELECT
        * EXCLUDE (quantity),
        quantity AS bought_quantity,
        quantity::DECIMAL(18, 4) - coalesce(
            list_sum([
                back.quantity::DECIMAL(18, 4) FOR back IN returns
                IF coalesce(
                    back.subset,
                    CASE
                        WHEN back.event_time > test_starts THEN 'test'
                        WHEN back.event_time > valid_starts THEN 'valid'
                        ELSE 'train'
                    END
                ) = part
            ]),
            0
        ) AS quantity
    FROM divided
),

target AS (
    SELECT behaviour
    FROM kept
    WHERE quantity > 0
    GROUP BY behaviour
    ORDER BY
        behaviour IS NOT DISTINCT FROM $target_behaviour DESC,
        coalesce(list_position($behaviours, behaviour), 0) DESC,
        count(*) DESC,
        behaviour
    LIMIT 1
)

SELECT
    kept.user_id,
    kept.item_id,
    kept.behaviour,
    kept.part AS subset,
    kept.behaviour = target.behaviour AS is_target,
    count(*) AS count,
    sum(kept.quantity)::DOUBLE AS quantity,
    sum((kept.amount * kept.quantity::DOUBLE / kept.bought_quantity)::DECIMAL(18, 4))::DOUBLE AS spend,
    min(kept.event_time) AS first_time,
    max(kept.event_time) AS last_time
FROM kept
CROSS JOIN target
WHERE kept.quantity > 0
GROUP BY kept.user_id, kept.item_id, kept.behaviour, kept.part, target.behaviour
