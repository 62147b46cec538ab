-- Columns whose names are like a pattern, of two tables.
SELECT i.* LIKE '%ue%', p.* SIMILAR TO '.*(paid|amo).*'
FROM invoices i JOIN payments p USING (invoice_no) ORDER BY ALL
