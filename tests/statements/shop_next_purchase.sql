-- Days to the next purchase of a customer, with the mean of the last three.
SELECT customer_id, sale_id, days, avg(days) OVER (PARTITION BY customer_id ORDER BY sold_at, sale_id ROWS 2 PRECEDING) AS mean
FROM (SELECT *, date_diff('day', sold_at, lead(sold_at) OVER (PARTITION BY customer_id ORDER BY sold_at, sale_id)) AS days FROM sales WHERE customer_id < 6) ORDER BY customer_id, sold_at, sale_id
