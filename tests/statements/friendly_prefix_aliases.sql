-- What customers of a city spend, with aliases before expressions.
FROM sales AS s JOIN customers AS c USING (customer_id)
SELECT
    town: c.city,
    spent: sum(s.quantity * s.unit_price),
    share: spent / sum(spent) OVER (),
    first_of: min_by(c.name, s.sold_at),
GROUP BY ALL
ORDER BY ALL
