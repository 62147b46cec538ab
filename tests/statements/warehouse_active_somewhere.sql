-- How many customers of each kind bought in a shop, and on the web or by phone.
SELECT segment, region, count(*) AS cnt1, min(date_part('year', birth_date)) AS oldest, max(year(joined)) AS newest, avg(len(tags)) AS tags
FROM customers AS c
WHERE c.region IS NOT NULL
    AND EXISTS (SELECT * FROM sales WHERE c.customer_id = customer_id AND channel = 'store')
    AND (
        EXISTS (SELECT * FROM sales WHERE c.customer_id = customer_id AND channel = 'web')
        OR EXISTS (SELECT * FROM sales AS s JOIN returns USING (sale_id) WHERE c.customer_id = s.customer_id)
    )
GROUP BY segment, region
ORDER BY segment, region
