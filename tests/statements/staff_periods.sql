-- Roles with the end of each period, made from the days on which they began.
SELECT staff_id, role, team, pay, since AS valid_from, lead(since) OVER (PARTITION BY staff_id ORDER BY since) - 1 AS valid_to,
  since = max(since) OVER (PARTITION BY staff_id) AS is_current
FROM staff_history ORDER BY staff_id, since
