-- Every item that is described or was bought, with what is known of it.
SELECT
    item_id, title, department, category, subcategory, brand, manufacturer, package_size, filled, true AS described
FROM items
UNION ALL
SELECT
    item_id, 'item ' || item_id, 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown',
    ['title', 'department', 'category', 'subcategory', 'brand', 'manufacturer', 'package_size'],
    false
FROM (SELECT DISTINCT item_id FROM events) AS bought
WHERE item_id NOT IN (SELECT item_id FROM items)
