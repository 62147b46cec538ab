-- Names in other cases than those of the tables.
SELECT I.INVOICE_NO AS "Number", SUM(L.Amount) AS "Sum"
FROM invoices AS i INNER JOIN Invoice_Lines AS L ON i.Invoice_No = l.INVOICE_NO
GROUP BY "number" ORDER BY "NUMBER"
