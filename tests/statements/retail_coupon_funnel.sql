-- Coupons: how many lines, which share of all lines of their channel, and whether any was returned.
SELECT
    coupon,
    channel,
    count(*) AS lines,
    count(*) / (SELECT count(*) FROM sales AS every WHERE every.channel = s.channel) AS share,
    bool_or(sale_id IN (SELECT sale_id FROM returns)) AS any_returned,
    (SELECT count(*) FROM returns AS r WHERE r.sale_id = min(s.sale_id)) AS returns_of_first
FROM sales AS s
WHERE coupon IS NOT NULL
GROUP BY coupon, channel
ORDER BY coupon, channel NULLS LAST
