-- Constants of a group beside each row, by a lateral aggregate.
SELECT h.staff_id, h.since, t.n, t.high FROM staff_history h
LEFT JOIN LATERAL (SELECT count(*) AS n, max(x.pay) AS high FROM staff_history x WHERE x.team = h.team AND x.since < h.since) t ON true
ORDER BY h.staff_id, h.since
