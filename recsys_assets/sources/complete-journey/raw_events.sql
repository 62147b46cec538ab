-- Every line of every basket. What was paid is given, the price of one piece is not.
SELECT
    transaction_timestamp AS event_time,
    household_id AS user_id,
    product_id AS item_id,
    basket_id AS order_id,
    'purchase' AS behaviour,
    quantity,
    sales_value AS amount,
    retail_disc::DOUBLE + coupon_disc::DOUBLE + coupon_match_disc::DOUBLE AS discount,
    store_id,
    _file,
    _line
FROM read_parquet('transactions.parquet')
