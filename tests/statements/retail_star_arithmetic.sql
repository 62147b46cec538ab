-- Sales with money in cents, without what nobody asks for.
SELECT
    * EXCLUDE (coupon, channel)
      REPLACE ((unit_price * 100)::INTEGER AS unit_price, coalesce(discount, 0) AS discount),
    COLUMNS('^(unit_price|discount)$') * quantity
FROM sales
WHERE COLUMNS(['quantity', 'product_id']) IS NOT NULL
