-- The smallest and largest value of every number of a sale.
SELECT min(COLUMNS(* EXCLUDE (channel, coupon, sold_at))) AS "min_\0", max(COLUMNS('.*_(id|price)'))
FROM sales
