-- Invoices after 'open' in the order of their states, with decimals multiplied and divided.
SELECT i.invoice_no, i.status, i.status > 'open' AS done, enum_code(i.status) AS code,
  (max(l.amount) * 3 / 7)::DECIMAL(12, 4) AS part, max(l.amount) % 4 AS rest, sum(l.amount)::DECIMAL(18, 2) // 10 AS tens
FROM invoices i JOIN invoice_lines l USING (invoice_no)
GROUP BY ALL ORDER BY invoice_no
