-- Groups and order by positions, with expressions of keys.
SELECT upper(role), year(since), count(*), sum(pay) FROM staff_history GROUP BY 1, 2 HAVING count(*) > 0 ORDER BY 3 DESC, 1 NULLS LAST, 2
