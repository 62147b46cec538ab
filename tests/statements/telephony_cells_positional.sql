-- Cells beside subscribers in the order of their numbers.
SELECT a.cell_id, a.site, b.subscriber_id, b.msisdn
FROM (SELECT cell_id, site FROM cells ORDER BY cell_id) AS a
POSITIONAL JOIN (SELECT subscriber_id, msisdn FROM subscribers ORDER BY subscriber_id) AS b
