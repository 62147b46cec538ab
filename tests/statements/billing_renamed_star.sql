-- All columns of a join under other names.
SELECT i.* RENAME (invoice_no AS number, currency AS money), l.* EXCLUDE (invoice_no) RENAME (amount AS net)
FROM invoices i JOIN invoice_lines l USING (invoice_no)
WHERE l.tax_rate > 0 ORDER BY number, line_no
