-- Which items belong together, and how: at most 20 neighbours an item bought together, 10 of its category and brand.
--
-- Bought together: the cosine of two items' baskets, baskets in common / √(baskets of one × baskets of the other),
-- over items in at least 10 baskets and pairs in at least 3. Of a basket with more than 40 items 40 are sampled
-- by hash, so that the cost grows with the number of baskets. Same category (the narrowest that is known) and
-- same brand (the maker where known): the most bought items of the group, weight 1 / rank.
--
-- column: item_id: the product
-- column: other_id: its neighbour
-- column: relation: bought_together, same_category or same_brand
-- column: weight: above 0, at most 1; larger is closer
WITH baskets AS (
    SELECT DISTINCT basket, item_id FROM seen_events WHERE kept_quantity > 0
),

popularity AS (
    SELECT item_id, count(*) AS baskets FROM baskets GROUP BY item_id
),

numbered AS (
    SELECT item_id, baskets, row_number() OVER (ORDER BY item_id)::INTEGER AS number
    FROM popularity
    WHERE baskets >= 10
),

drawn AS (
    SELECT hash(baskets.basket) AS basket, numbered.number
    FROM baskets
    INNER JOIN numbered ON numbered.item_id = baskets.item_id
    QUALIFY row_number() OVER (
        PARTITION BY baskets.basket ORDER BY hash(baskets.basket, baskets.item_id), baskets.item_id
    ) <= 40
),

pairs AS (
    SELECT one.number AS one, other.number AS other, count(*) AS together
    FROM drawn AS one
    INNER JOIN drawn AS other ON other.basket = one.basket AND other.number > one.number
    GROUP BY one.number, other.number
    HAVING count(*) >= 3
),

both_ways AS (
    SELECT one, other, together FROM pairs
    UNION ALL
    SELECT other, one, together FROM pairs
),

together AS (
    SELECT
        one.item_id,
        other.item_id AS other_id,
        'bought_together' AS relation,
        least(1, both_ways.together / sqrt(one.baskets * other.baskets)) AS weight
    FROM both_ways
    INNER JOIN numbered AS one ON one.number = both_ways.one
    INNER JOIN numbered AS other ON other.number = both_ways.other
    QUALIFY row_number() OVER (
        PARTITION BY both_ways.one
        ORDER BY both_ways.together / sqrt(one.baskets * other.baskets) DESC, both_ways.other
    ) <= 20
),

grouped AS (
    SELECT
        item_id,
        'same_category' AS relation,
        coalesce(nullif(subcategory, 'unknown'), nullif(category, 'unknown')) AS name
    FROM described_items
    UNION ALL
    SELECT
        item_id,
        'same_brand' AS relation,
        coalesce(nullif(manufacturer, 'unknown'), nullif(brand, 'unknown')) AS name
    FROM described_items
),

ranked AS (
    SELECT
        grouped.item_id,
        grouped.relation,
        grouped.name,
        row_number() OVER (
            PARTITION BY grouped.relation, grouped.name
            ORDER BY coalesce(popularity.baskets, 0) DESC, grouped.item_id
        ) AS place
    FROM grouped
    LEFT JOIN popularity ON popularity.item_id = grouped.item_id
    WHERE grouped.name IS NOT NULL
)

SELECT item_id, other_id, relation, weight FROM together
UNION ALL
SELECT one.item_id, other.item_id, one.relation, 1 / other.place AS weight
FROM ranked AS one
INNER JOIN ranked AS other
    ON other.relation = one.relation AND other.name = one.name AND other.item_id <> one.item_id
WHERE other.place <= 10
