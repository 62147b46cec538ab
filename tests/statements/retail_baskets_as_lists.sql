-- What each customer bought on a day, as lists and structs.
SELECT
    customer_id,
    sold_at::DATE AS day,
    list(product_id ORDER BY sale_id) AS products,
    list({'product': product_id, 'paid': quantity * unit_price} ORDER BY unit_price DESC, sale_id)[1].product AS dearest,
    string_agg(channel, '/' ORDER BY sale_id) AS channels,
    arg_max(product_id, (unit_price, sale_id)) AS also_dearest,
    array_agg(DISTINCT store_id ORDER BY store_id) AS stores
FROM sales
GROUP BY customer_id, day
ORDER BY customer_id NULLS FIRST, day
