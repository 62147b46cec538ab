-- Terms in a VALUES list with casts joined to invoices.
SELECT t.term, count(*) AS n, min(i.issued) AS first
FROM (VALUES ('short', 0::SMALLINT, 14), ('long', '15', 60), ('none', NULL, NULL)) AS t(term, low, high)
JOIN invoices i ON date_diff('day', i.issued, i.due) BETWEEN t.low AND t.high OR (i.due IS NULL AND t.low IS NULL)
GROUP BY t.term ORDER BY t.term
