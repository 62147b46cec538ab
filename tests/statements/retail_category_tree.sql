-- Every product with its ancestors, by recursion.
WITH RECURSIVE lineage(product_id, title, root_id, depth, path) AS (
    SELECT product_id, title, product_id, 0, [title]
    FROM products
    WHERE parent_id IS NULL
    UNION ALL
    SELECT child.product_id, child.title, up.root_id, up.depth + 1, list_append(up.path, child.title)
    FROM products AS child
    INNER JOIN lineage AS up ON child.parent_id = up.product_id
    WHERE up.depth < 6
)
SELECT
    l.product_id,
    l.depth,
    array_to_string(l.path, ' > ') AS path,
    root.category AS root_category
FROM lineage AS l
INNER JOIN products AS root ON root.product_id = l.root_id
ORDER BY l.product_id
