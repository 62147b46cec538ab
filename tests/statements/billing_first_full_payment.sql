-- The first payment by which an invoice is paid in full.
WITH due AS (SELECT invoice_no, sum(amount) AS total FROM invoice_lines GROUP BY invoice_no),
cumulated AS (
  SELECT payment_id, invoice_no, paid_on, method,
    sum(amount) OVER (PARTITION BY invoice_no ORDER BY paid_on, payment_id) AS so_far
  FROM payments
)
SELECT DISTINCT ON (c.invoice_no) c.invoice_no, c.payment_id, c.method, c.so_far, d.total
FROM cumulated c JOIN due d USING (invoice_no)
WHERE c.so_far >= d.total
ORDER BY c.invoice_no, c.paid_on, c.payment_id
