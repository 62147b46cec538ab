-- Cohorts by first day, and how many come back on each of the next days.
WITH days AS (SELECT DISTINCT user_key, date_trunc('day', seen_at)::DATE AS day FROM app_events WHERE user_key IS NOT NULL AND seen_at IS NOT NULL),
firsts AS (SELECT user_key, min(day) AS cohort FROM days GROUP BY user_key)
SELECT f.cohort, d.day - f.cohort AS age, count(*) AS users, count(*) / (SELECT count(*) FROM firsts x WHERE x.cohort = f.cohort) AS share
FROM firsts f JOIN days d USING (user_key) GROUP BY f.cohort, age ORDER BY f.cohort, age
