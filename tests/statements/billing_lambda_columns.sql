-- Columns chosen by a lambda, an expression over all of them.
SELECT currency, max(COLUMNS(lambda c: c LIKE '%d%')) FROM invoices GROUP BY currency ORDER BY currency
