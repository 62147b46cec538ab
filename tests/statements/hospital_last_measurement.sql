-- The latest value of each kind before discharge.
SELECT s.stay_id, m.kind, m.value, m.taken
FROM stays AS s
JOIN measurements AS m ON m.stay_id = s.stay_id AND m.taken <= coalesce(s.discharged, TIMESTAMP '2030-01-01')
QUALIFY row_number() OVER (PARTITION BY s.stay_id, m.kind ORDER BY m.taken DESC, m.measurement_id) = 1
