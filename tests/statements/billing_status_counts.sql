-- How many invoices have each state, a state without any too, in the order of the enum.
SELECT s.status, count(i.invoice_no) AS n, coalesce(sum(t.total), 0) AS total
FROM (SELECT unnest(enum_range(NULL::ENUM('open', 'paid', 'void'))) AS status) s
LEFT JOIN invoices i ON i.status::VARCHAR = s.status
LEFT JOIN (SELECT invoice_no, sum(amount) total FROM invoice_lines GROUP BY 1) t ON t.invoice_no = i.invoice_no
GROUP BY s.status ORDER BY s.status
