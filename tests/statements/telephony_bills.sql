-- What each subscriber owes in a month: fee, and minutes above those included.
WITH used AS (
    SELECT caller AS subscriber_id, date_trunc('month', started) AS month, sum(ceil(seconds / 60)) AS minutes
    FROM calls
    WHERE NOT coalesce(dropped, false)
    GROUP BY caller, date_trunc('month', started)
)
SELECT
    s.subscriber_id,
    s.msisdn,
    used.month,
    used.minutes,
    p.monthly_fee + 0.10 * greatest(used.minutes - p.included_minutes, 0) AS owed
FROM subscribers AS s
INNER JOIN plans AS p USING (plan)
INNER JOIN used USING (subscriber_id)
WHERE used.month >= date_trunc('month', s.activated)
ORDER BY owed DESC, s.subscriber_id, used.month
