-- How many customers each customer brought in, directly and through others.
WITH RECURSIVE reach AS (
    SELECT referrer_id AS origin, customer_id AS reached FROM customers WHERE referrer_id IS NOT NULL
    UNION
    SELECT reach.origin, c.customer_id
    FROM reach INNER JOIN customers AS c ON c.referrer_id = reach.reached
)
SELECT c.customer_id, c.name, count(reach.reached) AS reached, coalesce(list_sort(list(reach.reached)), []) AS who
FROM customers AS c
LEFT JOIN reach ON reach.origin = c.customer_id
GROUP BY c.customer_id, c.name
ORDER BY reached DESC, c.customer_id
