-- The three largest lines of each sku and their invoices as lists.
SELECT sku, max(amount, 3) AS largest, arg_max(amount, amount, 2) AS again, min(amount, 2) AS smallest,
  list_transform(max(struct_pack(amount := amount, invoice := invoice_no, line := line_no), 2), lambda s: s.invoice) AS of
FROM invoice_lines WHERE amount IS NOT NULL GROUP BY sku ORDER BY sku
