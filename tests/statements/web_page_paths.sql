-- Which page follows which, and after how long.
SELECT page, coalesce(next_page, '(left)') AS next_page, count(*) AS times, median(wait) AS usual_wait
FROM (
    SELECT
        page,
        lead(page) OVER w AS next_page,
        epoch(lead(clicked_at) OVER w - clicked_at) AS wait
    FROM clicks
    WINDOW w AS (PARTITION BY session_id ORDER BY clicked_at, click_id)
)
GROUP BY page, next_page
ORDER BY times DESC, page NULLS LAST, next_page
