-- Stays that began within thirty days after the patient's stay before ended.
SELECT patient_id, stay_id, admitted, previous_end, admitted - previous_end AS gap
FROM (
    SELECT *, max(discharged) OVER (PARTITION BY patient_id ORDER BY admitted, stay_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_end
    FROM stays
)
WHERE admitted - previous_end BETWEEN INTERVAL 0 DAY AND INTERVAL 30 DAY
