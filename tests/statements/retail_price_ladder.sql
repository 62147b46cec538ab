-- Every price that a product has had, from its first to its last, with how long it was valid.
SELECT
    p.product_id,
    p.title,
    change.valid_from,
    lead(change.valid_from) OVER ladder AS valid_until,
    change.new_price,
    change.new_price / first_value(change.new_price) OVER ladder - 1 AS since_first,
    row_number() OVER ladder AS step
FROM products AS p
INNER JOIN price_changes AS change ON change.product_id = p.product_id
WINDOW ladder AS (PARTITION BY p.product_id ORDER BY change.valid_from)
ORDER BY p.product_id, step
