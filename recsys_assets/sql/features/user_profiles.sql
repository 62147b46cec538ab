-- Who the customers are: one row for each user that bought or is described, with numbers that models can use.
--
-- column: user_id: the customer
-- column: segment: the group by which metrics are reported: age group, or income group, or activity
-- column: activity: low, medium or high: terciles of users by number of events
-- column: age_group: as the source says, or unknown
-- column: income_group: as the source says, or unknown
-- column: household_size: as the source says, or unknown
-- column: household_type: as the source says, or unknown
-- column: home_ownership: as the source says, or unknown
-- column: marital_status: as the source says, or unknown
-- column: children: as the source says, or unknown
-- column: country: as the source says, or unknown
-- column: events: total number of events
-- column: baskets: orders, or days with events where there are no orders
-- column: items: number of distinct items
-- column: categories: number of distinct categories
-- column: stores: number of distinct stores
-- column: quantity: pieces kept
-- column: spend: amount paid for them
-- column: spend_per_basket: mean over baskets
-- column: events_per_basket: mean over baskets
-- column: price_mean: mean unit price over events
-- column: discount_share: discounts as a share of the full price
-- column: returned_share: share of the pieces that were returned
-- column: repeat_share: share of the events that repeat an item of an earlier basket
-- column: top_category_share: share of the events in the user's main category
-- column: weekend_share: share of the events on Saturday or Sunday
-- column: evening_share: share of the events from 17:00 on
-- column: active_days: days with events
-- column: days_since_first: from the user's first event to the last event of all; 0 without events
-- column: days_since_last: from the user's last event to the last event of all; 0 without events
-- column: days_between_baskets: mean days from one basket to the next; 0 with fewer than two
-- column: recent_share: share of the events in the last 28 days
-- column: described: whether the users table knows the user; false for users that only events name
-- column: known_from: since when the description is known, where the source says so
-- column: filled: columns for which the source has nothing about this user
WITH newest AS (
    SELECT max(event_time) AS event_time FROM seen_events
),

described_users AS (
    SELECT * FROM users
    WHERE $as_of::TIMESTAMP IS NULL OR known_from IS NULL OR known_from < $as_of::TIMESTAMP
),

by_category AS (
    SELECT seen_events.user_id, coalesce(items.category, 'unknown') AS category, count(*) AS events
    FROM seen_events
    LEFT JOIN described_items AS items ON items.item_id = seen_events.item_id
    GROUP BY seen_events.user_id, coalesce(items.category, 'unknown')
),

categories AS (
    SELECT user_id, count(*) AS categories, max(events) / sum(events) AS top_category_share
    FROM by_category
    GROUP BY user_id
),

by_item AS (
    SELECT user_id, count(*) AS items, sum(baskets) AS item_baskets
    FROM (
        SELECT user_id, item_id, count(DISTINCT basket) AS baskets FROM seen_events GROUP BY user_id, item_id
    ) AS pairs
    GROUP BY user_id
),

totals AS (
    SELECT
        user_id,
        count(*) AS events,
        count(DISTINCT basket) AS baskets,
        count(DISTINCT store_id) AS stores,
        count(DISTINCT day) AS active_days,
        sum(quantity::DECIMAL(18, 4)) AS bought_quantity,
        sum(kept_quantity::DECIMAL(18, 4)) AS quantity,
        coalesce(sum(kept_amount::DECIMAL(18, 4)), 0) AS spend,
        sum(unit_price::DECIMAL(18, 4)) AS price_sum,
        count(unit_price) AS prices,
        coalesce(sum(discount::DECIMAL(18, 4)), 0) AS discount,
        coalesce(sum(amount::DECIMAL(18, 4)), 0) AS amount,
        count(*) FILTER (WHERE isodow(event_time) >= 6) AS weekend,
        count(*) FILTER (WHERE hour(event_time) >= 17) AS evening,
        min(event_time) AS first_time,
        max(event_time) AS last_time,
        count(*) FILTER (WHERE event_time > (SELECT event_time - INTERVAL 28 DAY FROM newest)) AS recent
    FROM seen_events
    GROUP BY user_id
),

everyone AS (
    SELECT user_id FROM totals
    UNION
    SELECT user_id FROM described_users
),

ranked AS (
    SELECT
        everyone.user_id,
        ntile(3) OVER (ORDER BY coalesce(totals.events, 0), everyone.user_id) AS third
    FROM everyone
    LEFT JOIN totals ON totals.user_id = everyone.user_id
)

SELECT
    ranked.user_id,
    CASE
        WHEN coalesce(users.age_group, 'unknown') <> 'unknown' THEN 'age ' || users.age_group
        WHEN coalesce(users.income_group, 'unknown') <> 'unknown' THEN 'income ' || users.income_group
        ELSE 'activity ' || ['low', 'medium', 'high'][ranked.third]
    END AS segment,
    ['low', 'medium', 'high'][ranked.third] AS activity,
    coalesce(users.age_group, 'unknown') AS age_group,
    coalesce(users.income_group, 'unknown') AS income_group,
    coalesce(users.household_size, 'unknown') AS household_size,
    coalesce(users.household_type, 'unknown') AS household_type,
    coalesce(users.home_ownership, 'unknown') AS home_ownership,
    coalesce(users.marital_status, 'unknown') AS marital_status,
    coalesce(users.children, 'unknown') AS children,
    coalesce(users.country, 'unknown') AS country,
    coalesce(totals.events, 0) AS events,
    coalesce(totals.baskets, 0) AS baskets,
    coalesce(by_item.items, 0) AS items,
    coalesce(categories.categories, 0) AS categories,
    coalesce(totals.stores, 0) AS stores,
    coalesce(totals.quantity, 0)::DOUBLE AS quantity,
    coalesce(totals.spend, 0)::DOUBLE AS spend,
    coalesce(totals.spend::DOUBLE / totals.baskets, 0) AS spend_per_basket,
    coalesce(totals.events / totals.baskets, 0) AS events_per_basket,
    coalesce(totals.price_sum::DOUBLE / nullif(totals.prices, 0), 0) AS price_mean,
    coalesce(totals.discount::DOUBLE / nullif(totals.discount + totals.amount, 0)::DOUBLE, 0) AS discount_share,
    coalesce(1 - totals.quantity::DOUBLE / totals.bought_quantity::DOUBLE, 0) AS returned_share,
    coalesce(1 - by_item.items / by_item.item_baskets, 0)::DOUBLE AS repeat_share,
    coalesce(categories.top_category_share, 0)::DOUBLE AS top_category_share,
    coalesce(totals.weekend / totals.events, 0) AS weekend_share,
    coalesce(totals.evening / totals.events, 0) AS evening_share,
    coalesce(totals.active_days, 0) AS active_days,
    coalesce((epoch(newest.event_time) - epoch(totals.first_time)) / 86400, 0) AS days_since_first,
    coalesce((epoch(newest.event_time) - epoch(totals.last_time)) / 86400, 0) AS days_since_last,
    coalesce((epoch(totals.last_time) - epoch(totals.first_time)) / 86400 / nullif(totals.baskets - 1, 0), 0)
        AS days_between_baskets,
    coalesce(totals.recent / totals.events, 0) AS recent_share,
    users.user_id IS NOT NULL AS described,
    users.known_from,
    coalesce(
        users.filled,
        ['age_group', 'income_group', 'household_size', 'household_type', 'home_ownership', 'marital_status',
            'children', 'country']
    ) AS filled
FROM ranked
CROSS JOIN newest
LEFT JOIN totals ON totals.user_id = ranked.user_id
LEFT JOIN by_item ON by_item.user_id = ranked.user_id
LEFT JOIN categories ON categories.user_id = ranked.user_id
LEFT JOIN described_users AS users ON users.user_id = ranked.user_id
