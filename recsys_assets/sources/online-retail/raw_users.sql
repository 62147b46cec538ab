-- The invoices are all there is: one row for each customer and country, with the line that names them first.
SELECT
    regexp_replace(CustomerID, '\.0$', '') AS user_id,
    Country AS country,
    count(*) AS occurrences,
    min(InvoiceDate) AS known_from,
    arg_min(_file, (_file, _line)) AS _file,
    arg_min(_line, (_file, _line)) AS _line
FROM read_csv('*.csv')
GROUP BY regexp_replace(CustomerID, '\.0$', ''), Country
