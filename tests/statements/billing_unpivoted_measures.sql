-- Several measures of an invoice as rows, unknown ones too.
WITH m AS (
  SELECT i.invoice_no, sum(l.amount) AS net, max(l.tax_rate)::DECIMAL(18, 2) AS rate, (SELECT sum(p.amount) FROM payments p WHERE p.invoice_no = i.invoice_no) AS paid
  FROM invoices i LEFT JOIN invoice_lines l USING (invoice_no) GROUP BY i.invoice_no
)
SELECT invoice_no, measure, amount FROM m UNPIVOT INCLUDE NULLS (amount FOR measure IN (net, rate, paid)) ORDER BY ALL
