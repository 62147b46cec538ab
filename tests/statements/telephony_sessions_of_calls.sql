-- Runs of calls of a subscriber with less than two hours in between, by a running count of breaks.
WITH marked AS (
    SELECT
        caller,
        call_id,
        started,
        seconds,
        CASE WHEN started - lag(started) OVER w <= INTERVAL 2 HOUR THEN 0 ELSE 1 END AS breaks
    FROM calls
    WINDOW w AS (PARTITION BY caller ORDER BY started, call_id)
),
numbered AS (
    SELECT *, sum(breaks) OVER (PARTITION BY caller ORDER BY started, call_id) AS run FROM marked
)
SELECT caller, run, min(started) AS begins, max(started) AS ends, count(*) AS calls, sum(seconds) AS seconds
FROM numbered
GROUP BY caller, run
ORDER BY caller NULLS LAST, run
