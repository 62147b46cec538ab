-- Discounts by channel and segment in every combination.
SELECT
    coalesce(s.channel, 'all channels') AS channel,
    CASE WHEN grouping(c.segment) = 1 THEN 'all segments' ELSE c.segment END AS segment,
    sum(s.discount) AS discount,
    max(s.unit_price) AS dearest
FROM sales AS s
INNER JOIN customers AS c USING (customer_id)
GROUP BY CUBE (s.channel, c.segment)
