-- Sessions of users: a pause of six hours begins a new one, with counts, ways and ends.
WITH gaps AS (
  SELECT event_id, user_key, seen_at, kind, seen_at - lag(seen_at) OVER w > INTERVAL 6 HOUR OR lag(seen_at) OVER w IS NULL AS begins
  FROM app_events WHERE seen_at IS NOT NULL AND user_key IS NOT NULL WINDOW w AS (PARTITION BY user_key ORDER BY seen_at, event_id)
), numbered AS (
  SELECT *, sum(begins::INTEGER) OVER (PARTITION BY user_key ORDER BY seen_at, event_id ROWS UNBOUNDED PRECEDING) AS session FROM gaps
)
SELECT user_key, session, min(seen_at) AS begun, max(seen_at) - min(seen_at) AS lasted, count(*) AS events,
  string_agg(kind, ' > ' ORDER BY seen_at, event_id) AS way, bool_or(kind = 'buy') AS bought
FROM numbered GROUP BY user_key, session ORDER BY user_key, session
