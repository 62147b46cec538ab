-- Every line of every invoice. Invoices that start with C are cancellations, with negative quantities.
SELECT
    InvoiceDate AS event_time,
    regexp_replace(CustomerID, '\.0$', '') AS user_id,
    upper(StockCode) AS item_id,
    InvoiceNo AS order_id,
    CASE WHEN InvoiceNo LIKE 'C%' THEN 'return' ELSE 'purchase' END AS behaviour,
    Quantity AS quantity,
    UnitPrice AS unit_price,
    _file,
    _line
FROM read_csv('*.csv')
