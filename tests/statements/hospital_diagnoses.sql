-- Diagnoses by age group and sex of patients.
SELECT
    code,
    p.sex,
    (year(s.admitted) - year(p.birth_date)) // 20 * 20 AS age_from,
    count(*) AS stays,
    count(DISTINCT s.patient_id) AS patients
FROM stays AS s
CROSS JOIN unnest(s.diagnoses) AS codes(code)
INNER JOIN patients AS p ON p.patient_id = s.patient_id
GROUP BY code, p.sex, age_from
ORDER BY ALL NULLS LAST
