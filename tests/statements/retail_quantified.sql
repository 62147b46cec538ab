-- Products dearer than all of some brand and at least as dear as any of their category's sales.
SELECT product_id, title, price
FROM products AS p
WHERE price > ALL (SELECT price FROM products AS q WHERE q.brand = 'Acme' AND q.category = p.category AND q.price IS NOT NULL)
  AND price >= ANY (SELECT unit_price FROM sales AS s WHERE s.product_id = p.product_id)
