-- What a product's list price was when it was sold, and how far the price paid lies from it.
SELECT
    s.sale_id,
    s.sold_at,
    s.product_id,
    s.unit_price,
    c.new_price AS list_price,
    c.valid_from,
    s.unit_price - coalesce(c.new_price, p.price) AS deviation
FROM sales AS s
ASOF LEFT JOIN price_changes AS c
    ON s.product_id = c.product_id AND s.sold_at >= c.valid_from
LEFT JOIN products AS p ON p.product_id = s.product_id
ORDER BY s.sale_id
