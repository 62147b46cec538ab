-- Open sums of each currency, a column for each age, by PIVOT with two statistics.
WITH ages AS (
  SELECT i.currency, i.status::VARCHAR AS status, l.amount,
    CASE WHEN i.due < DATE '2024-03-01' THEN 'old' WHEN i.due < DATE '2024-05-01' THEN 'late' ELSE 'new' END AS age
  FROM invoices i JOIN invoice_lines l ON i.invoice_no = l.invoice_no
)
PIVOT ages ON age IN ('old', 'late', 'new') USING sum(amount) AS total, count(*) AS n GROUP BY currency ORDER BY currency
