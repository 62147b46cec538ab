-- A share of users chosen by a hash, the same every time.
SELECT user_key, count(*) AS n FROM app_events WHERE hash(user_key) % 3 <> 0 GROUP BY user_key ORDER BY user_key
