-- Insurers with patients of both sexes; ages by lambda.
SELECT
    insurer,
    list_aggregate(list_transform(list(year(birth_date) ORDER BY patient_id), lambda y: 2024 - y), 'max') AS oldest,
    list_sort(list(name) FILTER (name IS NOT NULL)) AS names,
    histogram(sex) AS by_sex
FROM patients
GROUP BY insurer
HAVING count(DISTINCT sex) = 2
ORDER BY insurer NULLS LAST
