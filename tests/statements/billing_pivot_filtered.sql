-- A PIVOT in the SQL standard's form, with an alias and a filter after it.
SELECT p.sku, p.low_net, p.high_net
FROM (SELECT sku, amount, CASE WHEN tax_rate > 0.1 THEN 'high' ELSE 'low' END AS rate FROM invoice_lines)
PIVOT (sum(amount) AS net FOR rate IN ('low', 'high') GROUP BY sku) AS p
WHERE p.low_net > 3 ORDER BY p.sku
