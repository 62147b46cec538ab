-- Events by the local day and hour of two zones.
SELECT (seen_at AT TIME ZONE 'Europe/Vienna')::DATE AS day, date_part('hour', seen_at AT TIME ZONE 'America/New_York') AS hour,
  count(*) AS n, min(timezone('Asia/Tokyo', seen_at)) AS first_in_tokyo
FROM app_events WHERE seen_at IS NOT NULL GROUP BY ALL ORDER BY ALL
