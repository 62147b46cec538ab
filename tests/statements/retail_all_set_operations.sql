-- Products by what happened to them, with duplicates counted.
SELECT product_id FROM sales
EXCEPT ALL
SELECT s.product_id FROM returns AS r INNER JOIN sales AS s ON s.sale_id = r.sale_id
INTERSECT ALL
SELECT product_id FROM inventory
