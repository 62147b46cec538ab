-- Sales of known customers, with the price of all pieces, and columns under other names.
SELECT * EXCLUDE (coupon, sold_at) REPLACE (unit_price * quantity AS unit_price) RENAME (quantity AS pieces, store_id AS "store of sale")
FROM sales SEMI JOIN customers USING (customer_id)
ORDER BY ALL
