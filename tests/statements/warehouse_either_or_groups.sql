-- Titles of products for which another of the same brand is of one of several kinds.
SELECT DISTINCT title
FROM products AS i1
WHERE price BETWEEN 1 AND 95 AND (
    SELECT count(*) FROM products
    WHERE (brand = i1.brand AND ((category = 'light' AND price > 10) OR (category = 'garden' AND cost < 12)))
        OR (brand = i1.brand AND (parent_id IS NULL AND price > 25))
) > 0
ORDER BY title
