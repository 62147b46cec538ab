-- Payments that name an invoice that is not there, and the most similar number.
SELECT p.payment_id, p.invoice_no, p.amount,
  (SELECT arg_min(i.invoice_no, (levenshtein(i.invoice_no, p.invoice_no), i.invoice_no)) FROM invoices i) AS nearest
FROM payments p
WHERE NOT EXISTS (FROM invoices i WHERE i.invoice_no = p.invoice_no)
ORDER BY p.payment_id
