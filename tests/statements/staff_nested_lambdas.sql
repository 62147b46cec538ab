-- A lambda inside of another one that uses columns, too.
WITH l AS (SELECT team, list(pay ORDER BY staff_id, since) AS pays, list(DISTINCT staff_id ORDER BY staff_id) AS ids, max(pay) AS high FROM staff_history WHERE pay IS NOT NULL GROUP BY team)
SELECT team, list_transform(ids, lambda i: len(list_filter(pays, lambda p: p > i + 10))) AS above, list_sum(list_transform(pays, lambda x: high - x)) AS below_high
FROM l ORDER BY team NULLS FIRST
