-- Whole rows as values: counted, compared and taken apart.
SELECT p.category, count(DISTINCT p) AS n, max(p).title AS last_title FROM (SELECT category, price, title FROM products WHERE category IS NOT NULL) p GROUP BY p.category ORDER BY 1
