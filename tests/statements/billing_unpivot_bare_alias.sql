-- UNPIVOT whose entries have aliases without AS.
SELECT * FROM (UNPIVOT (SELECT invoice_no, line_no, sku FROM invoice_lines) ON (line_no::VARCHAR) line, sku article INTO NAME what VALUE content) ORDER BY ALL
