-- Invoices for which nothing was paid within the term while others of the customer were.
SELECT i.invoice_no, i.due
FROM invoices i
WHERE i.due IS NOT NULL AND i.invoice_no NOT IN (SELECT p.invoice_no FROM payments p WHERE p.invoice_no IS NOT NULL AND p.paid_on <= i.due)
  AND i.customer_id = ANY (SELECT o.customer_id FROM invoices o JOIN payments q USING (invoice_no) WHERE o.invoice_no <> i.invoice_no)
ORDER BY i.invoice_no
