-- Stores and products whose stock after a day is about what it was before.
SELECT *
FROM (
    SELECT
        store_name, product_id,
        sum(CASE WHEN day < DATE '2024-01-08' THEN on_hand ELSE 0 END) AS before,
        sum(CASE WHEN day >= DATE '2024-01-08' THEN on_hand ELSE 0 END) AS after
    FROM inventory, stores, (SELECT product_id AS item FROM products WHERE price BETWEEN 1 AND 90) AS cheap
    WHERE item = inventory.product_id AND inventory.store_id = stores.store_id
    GROUP BY store_name, product_id
) AS x
WHERE CASE WHEN before > 0 THEN after / before ELSE NULL END BETWEEN 0.2 AND 5.0
ORDER BY store_name, product_id
