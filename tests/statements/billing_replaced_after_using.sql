-- All columns of a join with USING, one of them computed anew, one left out.
SELECT * EXCLUDE (status) REPLACE (upper(sku) AS sku, amount * 2 AS amount)
FROM invoices JOIN invoice_lines USING (invoice_no)
WHERE line_no = 1 ORDER BY invoice_no
