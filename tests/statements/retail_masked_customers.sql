-- Customers under a keyed hash, and regions only where enough people live.
WITH large AS (
    SELECT region FROM customers GROUP BY region HAVING count(DISTINCT customer_id) >= 5
)
SELECT sha256(concat($key, c.customer_id::VARCHAR)) AS pseudonym, c.segment, CASE WHEN large.region IS NULL THEN 'elsewhere' ELSE c.region END AS region
FROM customers AS c
LEFT JOIN large ON large.region = c.region
