-- Price and cost of each product one below the other.
SELECT product_id, title, measure, amount
FROM (SELECT product_id, title, price, cost FROM products)
UNPIVOT (amount FOR measure IN (price AS 'list price', cost))
WHERE amount > 3
