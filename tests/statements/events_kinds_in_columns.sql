-- What a user did, as columns of counts and last times.
PIVOT (SELECT user_key, kind, seen_at, event_id FROM app_events WHERE user_key IS NOT NULL) ON kind IN ('open' AS opened, 'view' AS viewed, 'buy')
USING count(event_id) AS n, max(seen_at) AS last GROUP BY user_key ORDER BY user_key
