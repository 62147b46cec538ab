-- Every item that is described or was bought, with what is known of it, or was known before $as_of.
SELECT
    item_id, title, department, category, subcategory, brand, manufacturer, package_size, filled, known_from,
    true AS described
FROM items
WHERE $as_of::TIMESTAMP IS NULL OR known_from IS NULL OR known_from < $as_of::TIMESTAMP
UNION ALL
SELECT
    item_id, 'item ' || item_id, 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown',
    ['title', 'department', 'category', 'subcategory', 'brand', 'manufacturer', 'package_size'], NULL,
    false
FROM (SELECT DISTINCT item_id FROM seen_events) AS bought
WHERE item_id NOT IN (
    SELECT item_id FROM items
    WHERE $as_of::TIMESTAMP IS NULL OR known_from IS NULL OR known_from < $as_of::TIMESTAMP
)
