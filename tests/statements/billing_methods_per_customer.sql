-- The ways by which each customer pays, as a list, a set and a sentence with the customer's own separator.
SELECT i.customer_id, list(DISTINCT p.method ORDER BY p.method) AS methods,
  string_agg(p.method || ':' || p.amount::VARCHAR, ', ' ORDER BY p.paid_on DESC, p.payment_id) AS story,
  count(DISTINCT p.method) FILTER (p.amount > 10) AS larger
FROM invoices i JOIN payments p ON p.invoice_no = i.invoice_no
GROUP BY i.customer_id HAVING count(*) > 1 ORDER BY 1
