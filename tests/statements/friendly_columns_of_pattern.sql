-- Extremes of all columns whose name ends in a pattern, and the columns that are like one.
SELECT channel, min(COLUMNS('.*price|disc.*')), max(COLUMNS(lambda c: c LIKE '%quantity')), count(COLUMNS(* EXCLUDE (channel, sold_at)))
FROM sales
GROUP BY channel
ORDER BY channel
