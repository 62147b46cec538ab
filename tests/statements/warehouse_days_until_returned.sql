-- How long it takes until sales come back, in bands, by store and reason.
SELECT
    substr(store_name, 1, 20) AS store, reason,
    sum(CASE WHEN datediff('day', sold_at, returned_at) <= 10 THEN 1 ELSE 0 END) AS within_10,
    sum(CASE WHEN datediff('day', sold_at, returned_at) > 10 AND datediff('day', sold_at, returned_at) <= 30 THEN 1 ELSE 0 END) AS within_30,
    count(*) FILTER (datediff('day', sold_at, returned_at) > 30) AS later
FROM returns JOIN sales USING (sale_id) JOIN stores USING (store_id)
GROUP BY substr(store_name, 1, 20), reason
ORDER BY ALL
