-- Means and deviations of each group of a test.
SELECT payload->>'$.ab.group' AS "group", count(DISTINCT user_key) AS users, avg((payload->>'total')::DOUBLE) AS mean,
  count(*) FILTER (kind = 'buy') / count(*) AS rate, max_by(event_id, (payload->>'total')::DOUBLE + event_id / 1e9) AS best
FROM app_events GROUP BY 1 HAVING "group" IS NOT NULL ORDER BY 1
