-- Customers who live where a store is, and places of customers without one, by the columns that both tables have.
SELECT 'near' AS how, customer_id, name
FROM customers NATURAL SEMI JOIN stores
UNION ALL
SELECT 'far', customer_id, name
FROM customers AS c NATURAL ANTI JOIN (SELECT city, region FROM stores WHERE size_m2 > 300) AS large
