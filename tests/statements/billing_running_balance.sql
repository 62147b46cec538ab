-- A customer's account: debits and credits in one ledger with a running balance.
WITH ledger AS (
  SELECT i.customer_id, i.issued AS day, 'invoice' AS entry, i.invoice_no AS reference, l.amount
  FROM invoices i JOIN invoice_lines l USING (invoice_no)
  UNION ALL BY NAME
  SELECT -p.amount AS amount, p.paid_on AS day, 'payment' AS entry, p.invoice_no AS reference, i.customer_id
  FROM payments p JOIN invoices i ON i.invoice_no = p.invoice_no
)
SELECT customer_id, day, entry, reference, sum(amount) AS amount,
  sum(sum(amount)) OVER (PARTITION BY customer_id ORDER BY day, entry, reference ROWS UNBOUNDED PRECEDING) AS balance
FROM ledger WHERE customer_id IS NOT NULL
GROUP BY customer_id, day, entry, reference ORDER BY customer_id, day, entry, reference
