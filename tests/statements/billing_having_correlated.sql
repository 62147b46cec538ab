-- Currencies whose sum is above that of the payments by a method of theirs.
SELECT i.currency, sum(l.amount) AS billed
FROM invoices i JOIN invoice_lines l USING (invoice_no)
GROUP BY i.currency
HAVING sum(l.amount) > (SELECT coalesce(sum(p.amount), 0) / 2 FROM payments p JOIN invoices x USING (invoice_no) WHERE x.currency = i.currency)
ORDER BY i.currency
