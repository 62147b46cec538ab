-- The subscribers with the most seconds, ten per cent of them.
WITH totals AS (
    SELECT caller, sum(seconds) AS seconds FROM calls GROUP BY caller
)
SELECT s.msisdn, t.seconds, t.seconds / (SELECT sum(seconds) FROM totals) AS share, cume_dist() OVER (ORDER BY t.seconds DESC, t.caller) AS position
FROM totals AS t
JOIN subscribers AS s ON s.subscriber_id = t.caller
QUALIFY position <= 0.3
ORDER BY t.seconds DESC, t.caller
