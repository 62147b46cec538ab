-- Share of dropped calls by technology and hour, against all calls of the hour.
SELECT
    ce.technology,
    hour(ca.started) AS hour,
    avg(ca.dropped::INTEGER) AS dropped_share,
    dropped_share - avg(avg(ca.dropped::INTEGER)) OVER (PARTITION BY hour(ca.started)) AS above_hour,
    dense_rank() OVER (ORDER BY count(*) DESC) AS load_rank
FROM calls AS ca
INNER JOIN cells AS ce ON ce.cell_id = ca.cell_id
GROUP BY ce.technology, hour
