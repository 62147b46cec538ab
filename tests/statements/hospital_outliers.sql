-- Measurements further than the spread of their kind from its mean, within the patient's sex.
SELECT m.measurement_id, m.kind, p.sex, m.value, stats.mean
FROM measurements AS m
JOIN stays AS s USING (stay_id)
JOIN patients AS p USING (patient_id)
JOIN (
    SELECT m2.kind, p2.sex, avg(m2.value) AS mean, max(m2.value) - min(m2.value) AS spread
    FROM measurements AS m2 JOIN stays AS s2 USING (stay_id) JOIN patients AS p2 USING (patient_id)
    GROUP BY m2.kind, p2.sex
) AS stats ON stats.kind = m.kind AND stats.sex = p.sex
WHERE abs(m.value - stats.mean) > stats.spread / 4
