-- How often what was shown was taken, by its place in the list: people click what stands on top.
--
-- column: arm: the arm that decided the answers; control without an experiment
-- column: position: the place in the list, from 1
-- column: exposures: how often something was shown there
-- column: clicks: how often it was viewed, put into the cart or bought from there
-- column: click_rate: clicks by exposures
-- column: purchases: how often it was bought from there
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
