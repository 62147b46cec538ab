-- Amounts billed more often than paid, and those both billed and paid, each as often as it is.
(SELECT 'billed only' AS side, amount FROM (SELECT amount FROM invoice_lines EXCEPT ALL SELECT amount FROM payments))
UNION ALL
(SELECT 'both', amount FROM (SELECT amount FROM invoice_lines INTERSECT ALL SELECT amount FROM payments))
ORDER BY ALL
