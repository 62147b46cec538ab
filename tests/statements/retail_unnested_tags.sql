-- How often each tag stands at customers of a segment.
SELECT tag, segment, count(*) AS customers, min(joined) AS since
FROM (SELECT unnest(tags) AS tag, segment, joined FROM customers)
GROUP BY tag, segment
HAVING count(*) >= 2
ORDER BY tag NULLS LAST, segment NULLS LAST
