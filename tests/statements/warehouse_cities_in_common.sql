-- Takings of stores in cities that have both many customers of a segment and a store that opened early.
SELECT store_name, sum(unit_price * quantity) AS takings
FROM sales JOIN stores USING (store_id), (
    SELECT city FROM (
        SELECT substr(city, 1, 5) AS city FROM customers WHERE segment IN ('home', 'club')
        INTERSECT
        SELECT city FROM (
            SELECT substr(city, 1, 5) AS city, count(*) AS n FROM customers WHERE referrer_id IS NOT NULL
            GROUP BY substr(city, 1, 5) HAVING count(*) > 1
        )
    )
) AS v1
WHERE substr(stores.city, 1, 2) = substr(v1.city, 1, 2)
GROUP BY store_name
ORDER BY store_name
