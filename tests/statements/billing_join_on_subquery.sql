-- Each invoice with its largest line, found in the condition of the join.
SELECT i.invoice_no, l.line_no, l.sku, l.amount
FROM invoices i LEFT JOIN invoice_lines l
  ON l.invoice_no = i.invoice_no AND l.amount = (SELECT max(m.amount) FROM invoice_lines m WHERE m.invoice_no = i.invoice_no)
ORDER BY ALL
