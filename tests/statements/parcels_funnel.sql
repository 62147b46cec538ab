-- How many parcels reach each state, with shares of the first.
WITH reached AS (
  SELECT parcel_id, bool_or(state = 'taken') AS taken, bool_or(state = 'sorted') AS sorted, bool_or(state = 'given') AS given
  FROM scans WHERE parcel_id IS NOT NULL GROUP BY parcel_id
), counted AS (
  SELECT count(*) FILTER (taken) AS taken, count(*) FILTER (taken AND sorted) AS sorted, count(*) FILTER (taken AND sorted AND given) AS given FROM reached
)
SELECT step, n, n / first_value(n) OVER (ORDER BY n DESC, step DESC) AS share
FROM (UNPIVOT counted ON taken, sorted, given INTO NAME step VALUE n) ORDER BY n DESC, step
