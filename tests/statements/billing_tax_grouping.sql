-- Tax by rate and sku, with subtotals told apart by grouping().
SELECT CASE grouping(l.sku, l.tax_rate) WHEN 0 THEN 'detail' WHEN 1 THEN 'sku' WHEN 2 THEN 'rate' ELSE 'all' END AS level,
  l.sku, l.tax_rate, sum(l.amount) AS net, sum(l.amount * l.tax_rate) AS tax
FROM invoice_lines l
GROUP BY GROUPING SETS ((l.sku, l.tax_rate), (l.sku), (l.tax_rate), ())
ORDER BY ALL
