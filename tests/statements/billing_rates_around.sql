-- The rates before and after each invoice's day, and whether the later one is higher.
WITH before AS (
  SELECT i.invoice_no, i.issued, i.currency, f.rate AS earlier FROM invoices i ASOF JOIN fx f ON i.currency = f.currency AND i.issued >= f.day
)
SELECT b.invoice_no, b.earlier, f.rate AS later, f.rate > b.earlier AS rises
FROM before b ASOF LEFT JOIN fx f ON b.currency = f.currency AND b.issued < f.day
ORDER BY b.invoice_no
