-- Stores under other names, those of the larger half.
SELECT * RENAME (store_id AS id, size_m2 AS area), size_m2 > (SELECT median(size_m2) FROM stores) AS large
FROM stores
WHERE opened < DATE '2022-01-01'
