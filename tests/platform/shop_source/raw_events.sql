-- Every line of every day's file.
SELECT
    moment AS event_time,
    customer AS user_id,
    product AS item_id,
    invoice AS order_id,
    CASE WHEN invoice LIKE 'C%' THEN 'return' ELSE 'purchase' END AS behaviour,
    pieces AS quantity,
    price AS unit_price,
    _file,
    _line
FROM read_csv('sales-*.csv')
