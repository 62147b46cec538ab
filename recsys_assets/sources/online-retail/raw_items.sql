-- The invoices are all there is: one row for each stock code and description, with the line that names them first.
SELECT
    upper(StockCode) AS item_id,
    trim(Description) AS title,
    count(*) AS occurrences,
    -- what lines without a customer alone call a product is a note of the warehouse, such as 'mailout'
    min(InvoiceDate) FILTER (WHERE CustomerID IS NOT NULL) AS known_from,
    arg_min(_file, (_file, _line)) AS _file,
    arg_min(_line, (_file, _line)) AS _line
FROM read_csv('*.csv')
WHERE trim(Description) <> ''
GROUP BY upper(StockCode), trim(Description)
