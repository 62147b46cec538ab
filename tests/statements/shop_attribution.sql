-- First and last touch of each visitor before a payment page, and shares among touches.
WITH touches AS (
  SELECT s.visitor, s.session_id, s.started, s.source, c.clicked_at AS paid_at
  FROM sessions s LEFT JOIN (SELECT session_id, min(clicked_at) AS clicked_at FROM clicks WHERE page = 'pay' GROUP BY session_id) c USING (session_id)
)
SELECT visitor, arg_min(source, (started, session_id)) AS first_touch, arg_max(source, (started, session_id)) AS last_touch, count(paid_at) AS payments,
  map_from_entries(list_transform(list_sort(list_distinct(list(source))), lambda s: (s, len(list_filter(list(source), lambda t: t = s))))) AS shares
FROM touches WHERE visitor IS NOT NULL GROUP BY visitor ORDER BY visitor
