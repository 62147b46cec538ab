-- Stock at the last price known on its day, valued in total and by store.
SELECT store_id, day, sum(on_hand * p.new_price) AS value, count(*) FILTER (p.new_price IS NULL) AS unknown
FROM inventory i ASOF LEFT JOIN price_changes p ON p.product_id = i.product_id AND i.day >= p.valid_from
GROUP BY store_id, day ORDER BY ALL
