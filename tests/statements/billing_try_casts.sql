-- Numbers in the texts of invoices, where there are.
SELECT invoice_no, TRY_CAST(substr(invoice_no, 3) AS INTEGER) AS number, try_strptime(invoice_no, 'R-%j') AS day,
  coalesce(TRY_CAST(currency AS INTEGER), length(currency)) AS size, CAST(due AS TIMESTAMP) + INTERVAL (customer_id) HOUR AS remind
FROM invoices ORDER BY invoice_no
