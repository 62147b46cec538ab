-- From which ward to which patients come back, as a matrix.
WITH moves AS (
    SELECT ward_id AS came_from, lead(ward_id) OVER (PARTITION BY patient_id ORDER BY admitted, stay_id) AS went_to FROM stays
),
named AS (
    SELECT a.ward AS came_from, b.ward AS went_to
    FROM moves JOIN wards AS a ON a.ward_id = moves.came_from JOIN wards AS b ON b.ward_id = moves.went_to
)
SELECT * FROM named PIVOT (count(*) FOR went_to IN ('surgery', 'cardiology', 'maternity') GROUP BY came_from) ORDER BY came_from
