-- The last screen known at each event, where its own is missing.
SELECT event_id, user_key, coalesce(payload->>'screen', last_value(payload->>'screen' IGNORE NULLS) OVER (PARTITION BY user_key ORDER BY seen_at NULLS FIRST, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS screen
FROM app_events ORDER BY event_id
