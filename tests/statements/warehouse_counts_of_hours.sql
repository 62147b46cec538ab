-- Sales by part of the day, in one row.
SELECT *
FROM (SELECT count(*) AS morning FROM sales WHERE hour(sold_at) < 12) AS s1,
    (SELECT count(*) AS noon FROM sales JOIN stores USING (store_id) WHERE hour(sold_at) = 12 AND stores.size_m2 > 100) AS s2,
    (SELECT cast(count(*) AS DECIMAL(15, 4)) / nullif((SELECT count(*) FROM sales WHERE hour(sold_at) >= 18), 0) AS evening_ratio FROM sales WHERE hour(sold_at) BETWEEN 13 AND 17) AS s3
