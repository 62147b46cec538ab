-- Sales of a channel since a day, in pages.
SELECT sale_id, sold_at, quantity * unit_price * $rate::DECIMAL(6, 3) AS amount, $channel AS asked_for
FROM sales
WHERE channel = $channel AND sold_at >= $since::DATE
ORDER BY sold_at DESC, sale_id
LIMIT 20 OFFSET 2
