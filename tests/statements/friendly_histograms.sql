-- How sales of a channel lie, as maps and lists.
SELECT
    channel, histogram(quantity) AS by_quantity, map_keys(histogram(product_id % 3)) AS thirds,
    list(DISTINCT coupon ORDER BY coupon) FILTER (coupon IS NOT NULL) AS coupons,
    string_agg(DISTINCT store_id::VARCHAR, '+' ORDER BY store_id::VARCHAR) AS stores,
    quantile_cont(unit_price, [0.25, 0.75]) AS quartiles, mode(quantity) IS NOT NULL AS any, bool_or(discount > 5) AS cheap
FROM sales
GROUP BY channel
ORDER BY channel
