-- The SQL standard's UNPIVOT with aliases for the values, after a join.
SELECT u.customer_id, u.which, u.moment
FROM (SELECT customer_id, issued, due FROM invoices) UNPIVOT (moment FOR which IN (issued AS 'sent', due AS 'expected')) AS u
ORDER BY ALL
