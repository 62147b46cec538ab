-- Invoices with what is paid and what is open, aged in a ladder.
WITH billed AS (
  SELECT invoice_no, sum(amount * (1 + tax_rate))::DECIMAL(12, 2) AS gross, count(*) AS lines
  FROM invoice_lines GROUP BY invoice_no
), settled AS (
  SELECT invoice_no, sum(amount) AS paid, max(paid_on) AS last_paid FROM payments GROUP BY invoice_no
)
SELECT i.invoice_no, i.customer_id, b.gross, coalesce(s.paid, 0) AS paid, b.gross - coalesce(s.paid, 0) AS open,
  CASE WHEN b.gross <= coalesce(s.paid, 0) THEN 'settled'
       WHEN i.due IS NULL THEN 'no term'
       WHEN date_diff('day', i.due, DATE '2024-06-30') > 90 THEN '90+'
       WHEN date_diff('day', i.due, DATE '2024-06-30') > 30 THEN '31-90'
       ELSE '0-30' END AS bucket
FROM invoices AS i JOIN billed AS b USING (invoice_no) LEFT JOIN settled AS s USING (invoice_no)
WHERE i.status <> 'void' ORDER BY i.invoice_no
