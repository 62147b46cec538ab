-- The merged column of outer joins takes from both sides.
SELECT product_id, store_id, sum(on_hand) AS on_hand, sum(quantity) AS quantity
FROM (SELECT product_id, store_id, on_hand FROM inventory WHERE on_hand > 3)
FULL OUTER JOIN (SELECT product_id, store_id, quantity FROM sales WHERE channel = 'web') USING (product_id, store_id)
GROUP BY product_id, store_id
ORDER BY product_id NULLS LAST, store_id NULLS LAST
