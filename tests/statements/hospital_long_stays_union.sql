-- Stays by how long they were, in a union of three questions about one CTE.
WITH lengths AS MATERIALIZED (
    SELECT stay_id, patient_id, datediff('hour', admitted, discharged) AS hours FROM stays WHERE discharged IS NOT NULL
)
SELECT 'short' AS kind, count(*) AS stays, min(hours) AS least, max(hours) AS most FROM lengths WHERE hours < 24
UNION ALL
SELECT 'medium', count(*), min(hours), max(hours) FROM lengths WHERE hours BETWEEN 24 AND 240
UNION ALL
SELECT 'long', count(*), min(hours), max(hours) FROM lengths WHERE hours > 240
