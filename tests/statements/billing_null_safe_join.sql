-- Lines of two invoices that agree in sku and rate, unknown ones too.
SELECT a.invoice_no AS one, b.invoice_no AS other, count(*) AS n
FROM invoice_lines a JOIN invoice_lines b
  ON a.sku IS NOT DISTINCT FROM b.sku AND a.tax_rate IS NOT DISTINCT FROM b.tax_rate AND a.invoice_no < b.invoice_no
GROUP BY ALL HAVING n >= 2 ORDER BY ALL
