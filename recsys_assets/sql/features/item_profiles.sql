-- What the items are: one row for each item that was bought or is described, with numbers and a text for models.
--
-- column: item_id: the product
-- column: title: as in items, or its id
-- column: department: as in items, or unknown
-- column: category: as in items, or unknown
-- column: subcategory: as in items, or unknown
-- column: brand: as in items, or unknown
-- column: manufacturer: as in items, or unknown
-- column: package_size: as in items, or unknown
-- column: text: title and groups in one line, for text models
-- column: events: number of purchases
-- column: baskets: number of baskets with it
-- column: users: number of users who bought it
-- column: quantity: pieces kept
-- column: revenue: what was paid for them
-- column: quantity_per_event: mean over events
-- column: events_per_user: mean over its users
-- column: price_mean: mean unit price over events; 0 where no price is known
-- column: price_min: lowest unit price; 0 where no price is known
-- column: price_max: highest unit price; 0 where no price is known
-- column: price_median: median unit price over events; 0 where no price is known
-- column: price_spread: standard deviation of the unit price as a share of its mean
-- column: price_to_category: mean price as a share of the category's mean price
-- column: discount_share: discounts as a share of the full price
-- column: discounted_share: share of the events with a discount
-- column: returned_share: share of the pieces that were returned
-- column: repeat_rate: share of its users who bought it in more than one basket
-- column: stores: number of stores in which it was bought
-- column: active_days: number of days on which it was bought
-- column: weekend_share: share of the events on Saturday or Sunday
-- column: days_since_first: from its first event to the last event of all; 0 without events
-- column: days_since_last: from its last event to the last event of all; 0 without events
-- column: recent_share: share of the events in the last 28 days
-- column: trend: events in the last 28 days compared with the 28 before, from -1 to 1
-- column: popularity: share of all items that were bought less often
-- column: category_items: items in its category
-- column: category_share: its share of the category's events
-- column: brand_items: items of its brand and maker
-- column: brand_share: its share of their events
-- column: placements: weeks and stores in which it was promoted
-- column: display_share: share of the placements on display
-- column: mailer_share: share of the placements in the mailer
-- column: coupons: coupons given for it
-- column: described: whether the items table knows it; false for items that only events name
-- column: known_from: since when its description is known, where the source says so
-- column: filled: columns for which the source has nothing about this item
WITH newest AS (
    SELECT max(event_time) AS event_time FROM seen_events
),

pairs AS (
    SELECT item_id, user_id, count(DISTINCT basket) AS baskets FROM seen_events GROUP BY item_id, user_id
),

buyers AS (
    SELECT item_id, count(*) AS users, count(*) FILTER (WHERE baskets > 1) AS repeaters, sum(baskets) AS baskets
    FROM pairs
    GROUP BY item_id
),

-- counts of different values and medians are taken of distinct rows, which spill to disk where memory ends
places AS (
    SELECT item_id, count(*) AS stores
    FROM (SELECT DISTINCT item_id, store_id FROM seen_events WHERE store_id IS NOT NULL) AS sold
    GROUP BY item_id
),

days AS (
    SELECT item_id, count(*) AS active_days
    FROM (SELECT DISTINCT item_id, day FROM seen_events) AS sold
    GROUP BY item_id
),

prices AS (
    SELECT
        item_id,
        unit_price,
        sum(events) OVER (PARTITION BY item_id ORDER BY unit_price) AS up_to,
        events,
        sum(events) OVER (PARTITION BY item_id) AS prices
    FROM (
        SELECT item_id, unit_price, count(*) AS events
        FROM seen_events
        WHERE unit_price IS NOT NULL
        GROUP BY item_id, unit_price
    ) AS priced
),

-- the mean of the one or two prices in the middle
medians AS (
    SELECT item_id, (min(unit_price) + max(unit_price)) / 2 AS price_median
    FROM prices
    WHERE up_to >= (prices + 1) // 2 AND up_to - events < prices // 2 + 1
    GROUP BY item_id
),

totals AS (
    SELECT
        item_id,
        count(*) AS events,
        sum(quantity::DECIMAL(18, 4)) AS bought_quantity,
        sum(kept_quantity::DECIMAL(18, 4)) AS quantity,
        coalesce(sum(kept_amount::DECIMAL(18, 4)), 0) AS revenue,
        count(unit_price) AS prices,
        sum(unit_price::DECIMAL(18, 4)) AS price_sum,
        sum((unit_price * unit_price)::DECIMAL(28, 8)) AS price_squares,
        min(unit_price) AS price_min,
        max(unit_price) AS price_max,
        coalesce(sum(discount::DECIMAL(18, 4)), 0) AS discount,
        coalesce(sum(amount::DECIMAL(18, 4)), 0) AS amount,
        count(*) FILTER (WHERE discount > 0) AS discounted,
        count(*) FILTER (WHERE isodow(event_time) >= 6) AS weekend,
        min(event_time) AS first_time,
        max(event_time) AS last_time,
        count(*) FILTER (WHERE event_time > (SELECT event_time - INTERVAL 28 DAY FROM newest)) AS recent,
        count(*) FILTER (
            WHERE event_time <= (SELECT event_time - INTERVAL 28 DAY FROM newest)
            AND event_time > (SELECT event_time - INTERVAL 56 DAY FROM newest)
        ) AS before
    FROM seen_events
    GROUP BY item_id
),

promoted AS (
    SELECT
        item_id,
        count(*) FILTER (WHERE coupon_id IS NULL) AS placements,
        count(display) AS displays,
        count(mailer) AS mailers,
        count(coupon_id) AS coupons
    FROM promotions
    WHERE $as_of::TIMESTAMP IS NULL OR start_day < $as_of::TIMESTAMP
    GROUP BY item_id
),

joined AS (
    SELECT
        described_items.*,
        coalesce(totals.events, 0) AS events,
        coalesce(buyers.baskets, 0)::BIGINT AS baskets,
        coalesce(buyers.users, 0) AS users,
        coalesce(totals.quantity, 0)::DOUBLE AS quantity,
        coalesce(totals.revenue, 0)::DOUBLE AS revenue,
        totals.price_sum,
        totals.prices,
        coalesce(totals.price_sum::DOUBLE / nullif(totals.prices, 0), 0) AS price_mean,
        coalesce(totals.price_min, 0) AS price_min,
        coalesce(totals.price_max, 0) AS price_max,
        coalesce(medians.price_median, 0) AS price_median,
        coalesce(
            sqrt(greatest(
                totals.price_squares::DOUBLE / nullif(totals.prices, 0)
                - pow(totals.price_sum::DOUBLE / nullif(totals.prices, 0), 2),
                0
            )) / nullif(totals.price_sum::DOUBLE / totals.prices, 0),
            0
        ) AS price_spread,
        coalesce(totals.discount::DOUBLE / nullif(totals.discount + totals.amount, 0)::DOUBLE, 0) AS discount_share,
        coalesce(totals.discounted / totals.events, 0) AS discounted_share,
        coalesce(1 - totals.quantity::DOUBLE / totals.bought_quantity::DOUBLE, 0) AS returned_share,
        coalesce(buyers.repeaters / buyers.users, 0) AS repeat_rate,
        coalesce(places.stores, 0) AS stores,
        coalesce(days.active_days, 0) AS active_days,
        coalesce(totals.weekend / totals.events, 0) AS weekend_share,
        coalesce((epoch(newest.event_time) - epoch(totals.first_time)) / 86400, 0) AS days_since_first,
        coalesce((epoch(newest.event_time) - epoch(totals.last_time)) / 86400, 0) AS days_since_last,
        coalesce(totals.recent / totals.events, 0) AS recent_share,
        coalesce((totals.recent - totals.before) / nullif(totals.recent + totals.before, 0), 0) AS trend,
        coalesce(promoted.placements, 0) AS placements,
        coalesce(promoted.displays / nullif(promoted.placements, 0), 0) AS display_share,
        coalesce(promoted.mailers / nullif(promoted.placements, 0), 0) AS mailer_share,
        coalesce(promoted.coupons, 0) AS coupons
    FROM described_items
    CROSS JOIN newest
    LEFT JOIN totals ON totals.item_id = described_items.item_id
    LEFT JOIN places ON places.item_id = described_items.item_id
    LEFT JOIN days ON days.item_id = described_items.item_id
    LEFT JOIN medians ON medians.item_id = described_items.item_id
    LEFT JOIN buyers ON buyers.item_id = described_items.item_id
    LEFT JOIN promoted ON promoted.item_id = described_items.item_id
)

SELECT
    item_id,
    title,
    department,
    category,
    subcategory,
    brand,
    manufacturer,
    package_size,
    concat_ws(
        ', ', title, nullif(subcategory, 'unknown'), nullif(category, 'unknown'), nullif(department, 'unknown'),
        nullif(brand, 'unknown')
    ) AS text,
    events,
    baskets,
    users,
    quantity,
    revenue,
    coalesce(quantity / nullif(events, 0), 0) AS quantity_per_event,
    coalesce(events / nullif(users, 0), 0) AS events_per_user,
    price_mean,
    price_min,
    price_max,
    price_median,
    price_spread,
    coalesce(
        price_mean
        / nullif((sum(price_sum) OVER in_category)::DOUBLE / nullif(sum(prices) OVER in_category, 0)::DOUBLE, 0),
        0
    ) AS price_to_category,
    discount_share,
    discounted_share,
    returned_share,
    repeat_rate,
    stores,
    active_days,
    weekend_share,
    days_since_first,
    days_since_last,
    recent_share,
    trend,
    percent_rank() OVER (ORDER BY events) AS popularity,
    count(*) OVER in_category AS category_items,
    coalesce(events / nullif(sum(events) OVER in_category, 0), 0)::DOUBLE AS category_share,
    count(*) OVER of_brand AS brand_items,
    coalesce(events / nullif(sum(events) OVER of_brand, 0), 0)::DOUBLE AS brand_share,
    placements,
    display_share,
    mailer_share,
    coupons,
    described,
    known_from,
    filled
FROM joined
WINDOW in_category AS (PARTITION BY category), of_brand AS (PARTITION BY brand, manufacturer)
