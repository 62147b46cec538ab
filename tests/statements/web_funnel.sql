-- How far visitors of each source came, and where they left.
WITH steps AS (
    SELECT
        s.session_id,
        s.source,
        max(CASE c.page WHEN 'home' THEN 1 WHEN 'list' THEN 2 WHEN 'item' THEN 3 WHEN 'pay' THEN 4 ELSE 0 END) AS reached,
        arg_max(c.page, (c.clicked_at, c.click_id)) AS left_at
    FROM sessions AS s
    LEFT JOIN clicks AS c ON c.session_id = s.session_id AND c.clicked_at >= s.started
    GROUP BY s.session_id, s.source
)
SELECT
    source,
    count(*) AS sessions,
    count(*) FILTER (reached >= 2) AS listed,
    count(*) FILTER (reached >= 3) AS looked,
    count(*) FILTER (reached = 4) / count(*) AS paid,
    mode(left_at ORDER BY left_at) AS mostly_left_at
FROM steps
GROUP BY source
ORDER BY sessions DESC, source NULLS LAST
