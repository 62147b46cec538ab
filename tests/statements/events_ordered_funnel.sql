-- Users who viewed, then added, then bought, each after the other.
WITH v AS (SELECT user_key, min(seen_at) AS viewed FROM app_events WHERE kind = 'view' GROUP BY user_key),
a AS (SELECT v.user_key, v.viewed, min(e.seen_at) AS added FROM v LEFT JOIN app_events e ON e.user_key = v.user_key AND e.kind = 'add' AND e.seen_at > v.viewed GROUP BY v.user_key, v.viewed),
b AS (SELECT a.*, (SELECT min(e.seen_at) FROM app_events e WHERE e.user_key = a.user_key AND e.kind = 'buy' AND e.seen_at > a.added) AS bought FROM a)
SELECT user_key, viewed, added - viewed AS to_add, bought - added AS to_buy FROM b WHERE user_key IS NOT NULL ORDER BY user_key
