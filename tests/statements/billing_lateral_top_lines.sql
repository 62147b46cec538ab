-- The two largest lines of each invoice, by LATERAL with a limit, numbered.
SELECT i.invoice_no, t.sku, t.amount, t.place
FROM invoices i, LATERAL (
  SELECT sku, amount, row_number() OVER (ORDER BY amount DESC NULLS LAST, line_no) AS place
  FROM invoice_lines l WHERE l.invoice_no = i.invoice_no
  ORDER BY amount DESC NULLS LAST, line_no LIMIT 2
) AS t
ORDER BY i.invoice_no, t.place
