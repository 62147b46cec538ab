-- The latest invoice of each customer with more than the average of payments of a line.
SELECT customer_id, invoice_no, issued
FROM invoices i
QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY issued DESC, invoice_no) <=
  (SELECT count(*) FROM payments p WHERE p.invoice_no = i.invoice_no)
ORDER BY customer_id, invoice_no
