-- Lines that are as high as all lines of a sku, and those above some line of their invoice.
SELECT l.invoice_no, l.line_no, l.amount,
  l.amount >= ALL (SELECT o.amount FROM invoice_lines o WHERE o.sku = l.sku AND o.amount IS NOT NULL) AS highest,
  l.amount > ANY (SELECT o.amount FROM invoice_lines o WHERE o.invoice_no = l.invoice_no) AS above_some
FROM invoice_lines l ORDER BY l.invoice_no, l.line_no
