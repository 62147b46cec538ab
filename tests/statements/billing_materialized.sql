-- A CTE computed once and read three times.
WITH sums AS MATERIALIZED (
  SELECT customer_id, sum(amount) AS total FROM invoices JOIN invoice_lines USING (invoice_no) GROUP BY customer_id
), ranked AS NOT MATERIALIZED (SELECT *, rank() OVER (ORDER BY total DESC) AS place FROM sums)
SELECT r.customer_id, r.place, r.total / (SELECT sum(total) FROM sums) AS share,
  (SELECT count(*) FROM sums s WHERE s.total > r.total) AS above
FROM ranked r ORDER BY r.customer_id
