-- Click rates by place in the list (position bias): people click what is on top.
--
-- column: arm: the arm that decided the answers; control without an experiment
-- column: position: the place in the list, from 1
-- column: exposures: number of items shown there
-- column: clicks: number of views, carts and purchases from there
-- column: click_rate: clicks divided by exposures
-- column: purchases: number of purchases from there
-- column: propensity: mean probability of showing it there
WITH answered AS (
    SELECT query_id, item_id, bool_or(action = 'purchase') AS bought
    FROM feedback
    WHERE action IN ('view', 'cart', 'purchase') AND query_id IS NOT NULL
    GROUP BY query_id, item_id
)

SELECT
    shown.arm,
    shown.position,
    count(*) AS exposures,
    count(answered.query_id) AS clicks,
    count(answered.query_id) / count(*) AS click_rate,
    count(*) FILTER (WHERE answered.bought) AS purchases,
    avg(shown.propensity) AS propensity
FROM exposures AS shown
LEFT JOIN answered ON answered.query_id = shown.query_id AND answered.item_id = shown.item_id
GROUP BY shown.arm, shown.position
