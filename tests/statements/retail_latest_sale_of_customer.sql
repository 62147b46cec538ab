-- Each customer's latest sale.
SELECT DISTINCT ON (s.customer_id)
    s.customer_id, c.name, s.sold_at AS last_sold, s.product_id, upper(s.channel) AS channel
FROM sales AS s
LEFT JOIN customers AS c ON c.customer_id = s.customer_id
ORDER BY s.customer_id NULLS LAST, s.sold_at DESC, s.sale_id DESC
