-- Quantiles of lines as lists, medians and a mode of each sku.
SELECT sku, quantile_cont(amount, [0.25, 0.5, 0.75]) AS quarters, quantile_disc(amount, 0.9) AS high, median(amount) AS middle,
  mad(amount::DOUBLE) AS spread, arg_max(invoice_no, (amount, invoice_no, line_no)) AS largest, mode(tax_rate ORDER BY tax_rate) AS usual
FROM invoice_lines WHERE amount IS NOT NULL GROUP BY sku ORDER BY sku
