-- Billed and paid by month, whichever there is.
WITH b AS (SELECT date_trunc('month', issued) AS month, count(*) AS invoices FROM invoices GROUP BY 1),
p AS (SELECT date_trunc('month', paid_on) AS month, sum(amount) AS paid FROM payments GROUP BY 1),
c AS (SELECT date_trunc('month', valid_from) AS month, count(*) AS begun FROM plan_periods GROUP BY 1)
SELECT coalesce(b.month, p.month, c.month) AS month, invoices, paid, begun
FROM b FULL JOIN p USING (month) FULL JOIN c ON c.month = coalesce(b.month, p.month)
ORDER BY 1
