-- Histograms of amounts: as a map and as rows of bins.
WITH h AS (SELECT sku, histogram(amount::INTEGER // 10) AS bins FROM invoice_lines GROUP BY sku)
SELECT sku, unnest(map_keys(bins)) AS bin, unnest(map_values(bins)) AS n, cardinality(bins) AS bins FROM h ORDER BY ALL
