-- For each port the day with the most arrivals; the earlier one of equals.
WITH days AS (
    SELECT destination_id AS port_id, arrived::DATE AS day, count(*) AS arrivals FROM voyages GROUP BY ALL
)
SELECT p.port, p.country, d.day, d.arrivals
FROM ports AS p
LEFT JOIN days AS d
    ON d.port_id = p.port_id
    AND (d.arrivals, -epoch(d.day)) = (SELECT max((x.arrivals, -epoch(x.day))) FROM days AS x WHERE x.port_id = p.port_id)
