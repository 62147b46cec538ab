-- Search quality by query: queries that at least five people typed, ignoring case and spaces.
--
-- column: query: the query, in lower case
-- column: searches: number of searches
-- column: people: number of people who typed it
-- column: without_result: share of its searches that found nothing
-- column: corrected: share of its searches in which a word was replaced
-- column: clicks: searches with a result that was viewed, put into the cart or bought
-- column: click_rate: clicks divided by searches
-- column: reciprocal_rank: mean over searches of 1 / place of the first product that was taken; 0 without one
-- column: purchases: searches with a result that was bought
WITH acted AS (
    SELECT query_id, item_id, bool_or(action = 'purchase') AS bought
    FROM feedback
    WHERE action IN ('view', 'cart', 'purchase') AND query_id IS NOT NULL
    GROUP BY query_id, item_id
),

taken AS (
    SELECT s.query_id, min(list_position(s.items, acted.item_id)) AS place, bool_or(acted.bought) AS bought
    FROM searches AS s
    INNER JOIN acted ON acted.query_id = s.query_id AND list_contains(s.items, acted.item_id)
    GROUP BY s.query_id
)

SELECT
    lower(regexp_replace(trim(s.query), '\s+', ' ', 'g')) AS query,
    count(*) AS searches,
    count(DISTINCT s.asked_by) AS people,
    count(*) FILTER (WHERE s.found = 0) / count(*) AS without_result,
    count(s.meant) / count(*) AS corrected,
    count(taken.place) AS clicks,
    count(taken.place) / count(*) AS click_rate,
    coalesce(sum(1 / taken.place), 0) / count(*) AS reciprocal_rank,
    count(*) FILTER (WHERE taken.bought) AS purchases
FROM searches AS s
LEFT JOIN taken ON taken.query_id = s.query_id
GROUP BY lower(regexp_replace(trim(s.query), '\s+', ' ', 'g'))
HAVING count(DISTINCT s.asked_by) >= 5
