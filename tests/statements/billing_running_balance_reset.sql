-- A balance that never goes below zero, by a recursion over numbered payments.
WITH RECURSIVE numbered AS (
  SELECT row_number() OVER (ORDER BY paid_on, payment_id) AS place, payment_id, CASE WHEN method = 'cash' THEN -amount ELSE amount END AS amount
  FROM payments WHERE amount IS NOT NULL
), walk AS (
  SELECT place, payment_id, greatest(amount, 0) AS balance FROM numbered WHERE place = 1
  UNION ALL
  SELECT n.place, n.payment_id, greatest(w.balance + n.amount, 0) FROM walk w JOIN numbered n ON n.place = w.place + 1 WHERE n.place <= 12
)
SELECT payment_id, balance FROM walk ORDER BY place
