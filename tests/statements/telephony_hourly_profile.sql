-- Calls of each hour of the day, also hours without any.
SELECT h.hour, count(c.call_id) AS calls, coalesce(sum(c.seconds), 0) AS seconds
FROM range(24) AS h(hour)
LEFT JOIN calls AS c ON hour(c.started) = h.hour
GROUP BY h.hour
ORDER BY h.hour
