-- A page of the invoices of a state, its place and size given.
SELECT invoice_no, issued FROM invoices WHERE status::VARCHAR = $state AND issued >= $since::DATE
ORDER BY issued DESC, invoice_no LIMIT $size OFFSET $first
