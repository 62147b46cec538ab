-- Recency, frequency and money of each customer, in thirds, as one code and one word.
WITH base AS (
  SELECT i.customer_id, max(p.paid_on) AS last_paid, count(p.payment_id) AS n, sum(p.amount) AS spent
  FROM invoices i JOIN payments p USING (invoice_no) WHERE i.customer_id IS NOT NULL GROUP BY i.customer_id
), scored AS (
  SELECT *, ntile(3) OVER (ORDER BY last_paid, customer_id) AS r, ntile(3) OVER (ORDER BY n, customer_id) AS f,
    ntile(3) OVER (ORDER BY spent NULLS FIRST, customer_id) AS m
  FROM base
)
SELECT customer_id, concat(r, f, m) AS code,
  CASE WHEN r = 3 AND f = 3 THEN 'best' WHEN r = 1 AND m > 1 THEN 'seen_at risk' WHEN f = 1 THEN 'rare' ELSE 'other' END AS segment
FROM scored ORDER BY customer_id
