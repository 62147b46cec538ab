-- PIVOT on two columns with two statistics.
PIVOT (SELECT currency, status::VARCHAR AS state, year(issued) AS y, customer_id, due FROM invoices)
ON state IN ('open', 'paid'), y IN (2024) USING count(*) AS n, max(due) AS latest GROUP BY currency ORDER BY currency
