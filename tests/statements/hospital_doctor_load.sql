-- Stays of each doctor against the mean of the speciality, as named windows refine each other.
WITH loads AS (
    SELECT d.doctor_id, d.speciality, count(s.stay_id) AS stays, sum(datediff('day', s.admitted, s.discharged)) AS days
    FROM doctors AS d
    LEFT JOIN stays AS s USING (doctor_id)
    GROUP BY d.doctor_id, d.speciality
)
SELECT
    doctor_id,
    speciality,
    stays,
    stays - avg(stays) OVER peers AS above_mean,
    sum(days) OVER (peers ORDER BY doctor_id) AS days_so_far,
    rank() OVER (ORDER BY stays DESC) AS place
FROM loads
WINDOW peers AS (PARTITION BY speciality)
