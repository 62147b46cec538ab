-- Invoices in the order of what was paid for them, three after the second.
SELECT i.invoice_no, i.currency
FROM invoices i
ORDER BY (SELECT coalesce(sum(p.amount), 0) FROM payments p WHERE p.invoice_no = i.invoice_no) DESC, i.invoice_no
LIMIT 3 OFFSET 2
