-- Absences that overlap or touch, as one, with their days and reasons.
WITH spans AS (
  SELECT staff_id, first_day, coalesce(last_day, first_day) AS last_day, reason,
    max(coalesce(last_day, first_day)) OVER (PARTITION BY staff_id ORDER BY first_day, last_day NULLS FIRST, reason NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM absences WHERE staff_id IS NOT NULL
), islands AS (SELECT *, count(*) FILTER (before IS NULL OR first_day > before + 1) OVER (PARTITION BY staff_id ORDER BY first_day, last_day, reason NULLS FIRST ROWS UNBOUNDED PRECEDING) AS island FROM spans)
SELECT staff_id, min(first_day) AS first_day, max(last_day) AS last_day, max(last_day) - min(first_day) + 1 AS days, list_sort(list(DISTINCT reason)) AS reasons
FROM islands GROUP BY staff_id, island ORDER BY ALL
