-- Invoices in euros at the last known rate of the day, one without a rate too.
SELECT i.invoice_no, i.currency, l.total, coalesce(f.rate, CASE WHEN i.currency = 'EUR' THEN 1 END) AS used_rate,
  round(l.total / used_rate, 2) AS euros, f.day AS rate_of
FROM invoices i
JOIN (SELECT invoice_no, sum(amount) AS total FROM invoice_lines GROUP BY ALL) l ON l.invoice_no = i.invoice_no
ASOF LEFT JOIN fx f ON f.currency = i.currency AND f.day <= i.issued
ORDER BY i.invoice_no
