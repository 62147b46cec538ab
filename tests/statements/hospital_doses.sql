-- Dose of each drug in milligrams, converted by unit; the mean of patients of an insurer.
SELECT
    pr.drug,
    pa.insurer,
    sum(pr.dose * pr.days * CASE pr.unit WHEN 'g' THEN 1000 WHEN 'mg' THEN 1 ELSE NULL END) AS milligrams,
    sum(DISTINCT pr.days) AS distinct_days,
    max(pr.started + pr.days) AS until
FROM prescriptions AS pr
LEFT JOIN stays AS st ON st.stay_id = pr.stay_id
LEFT JOIN patients AS pa ON pa.patient_id = st.patient_id
GROUP BY 1, 2
ORDER BY 1 NULLS LAST, 2 NULLS LAST
