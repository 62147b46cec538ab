-- Approximate counts and quantiles.
SELECT method, approx_count_distinct(invoice_no) AS invoices, approx_quantile(amount, 0.5) AS middle, len(approx_top_k(amount, 1)) AS frequent
FROM payments WHERE method IS NOT NULL GROUP BY method ORDER BY method
