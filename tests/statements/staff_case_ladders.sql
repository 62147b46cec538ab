-- Ladders of CASE in aggregates, with NULLs told apart.
SELECT CASE WHEN pay IS NULL THEN 'unknown' WHEN pay < 13 THEN 'low' WHEN pay < 17 THEN 'middle' ELSE 'high' END AS band,
  sum(CASE role WHEN 'chief' THEN 1 ELSE 0 END) AS chiefs, count(CASE WHEN team = 'north' THEN staff_id END) AS north, max(if(role = 'lead', since, NULL)) AS last_lead
FROM staff_history GROUP BY band ORDER BY band
