-- A quarter of the payments, the largest first.
SELECT payment_id, amount FROM payments ORDER BY amount DESC NULLS LAST, payment_id LIMIT 25%
