-- Each call with the caller's sessions before and after, and the readings beside.
SELECT s.sale_id, before.new_price AS was, after.new_price AS will_be, s.unit_price - before.new_price AS off
FROM sales AS s
ASOF LEFT JOIN price_changes AS before ON s.product_id = before.product_id AND s.sold_at >= before.valid_from
ASOF LEFT JOIN price_changes AS after ON s.product_id = after.product_id AND s.sold_at < after.valid_from
ORDER BY s.sale_id
