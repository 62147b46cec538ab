-- Pieces by the region that is looked up for each line, and by whether it was more than the store has of the product.
SELECT
    (SELECT region FROM stores WHERE stores.store_id = sales.store_id) AS region,
    quantity > (SELECT min(on_hand) FROM inventory WHERE inventory.store_id = sales.store_id) AS too_many,
    sum(quantity) AS pieces,
    max(unit_price) AS dearest
FROM sales
GROUP BY region, 2
