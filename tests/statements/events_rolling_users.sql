-- Different users in the last two days of each event.
SELECT event_id, seen_at, len(list_distinct(list(user_key) OVER (ORDER BY seen_at RANGE BETWEEN INTERVAL 2 DAYS PRECEDING AND CURRENT ROW))) AS users
FROM app_events WHERE seen_at IS NOT NULL AND user_key IS NOT NULL ORDER BY event_id
