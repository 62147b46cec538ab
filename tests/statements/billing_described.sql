-- The columns of a query as rows.
SELECT column_name, column_type FROM (DESCRIBE SELECT i.*, l.amount FROM invoices i JOIN invoice_lines l USING (invoice_no)) ORDER BY 1
