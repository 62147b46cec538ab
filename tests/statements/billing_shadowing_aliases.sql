-- Aliases with the names of columns: WHERE sees the column, the next item the alias only where there is no column.
SELECT invoice_no, amount * 2 AS tax_rate, tax_rate + 1 AS more, line_no AS amount
FROM invoice_lines WHERE amount > 5 AND tax_rate > 0 ORDER BY invoice_no, amount
