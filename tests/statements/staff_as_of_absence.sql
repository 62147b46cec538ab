-- The role and pay that somebody had on the first day of an absence, in the same team as before only.
SELECT a.staff_id, a.first_day, a.reason, h.role, h.pay
FROM absences a ASOF LEFT JOIN staff_history h ON a.staff_id = h.staff_id AND a.first_day >= h.since
ORDER BY ALL
