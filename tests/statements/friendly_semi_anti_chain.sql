-- Visitors' sessions that have slow clicks, and neither come from ads nor end on the checkout.
FROM sessions
SEMI JOIN (FROM clicks WHERE ms > 100) AS slow USING (session_id)
ANTI JOIN (SELECT session_id, max_by(page, clicked_at) AS last FROM clicks GROUP BY session_id HAVING last = '/checkout') AS done USING (session_id)
SELECT visitor, source, count(*) AS sessions, min(started) AS first, bit_count(count(*)) AS bits
WHERE source <> 'ads'
GROUP BY ALL
ORDER BY ALL
