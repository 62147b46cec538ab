-- Stays by length in bands, in one pass, with the share of each ward.
SELECT
    w.ward,
    CASE WHEN hours < 48 THEN 'short' WHEN hours < 240 THEN 'middle' WHEN hours IS NULL THEN 'here' ELSE 'long' END AS band,
    count(*) AS stays,
    count(*) / max(beds) AS share,
    list_distinct(flatten(list(diagnoses ORDER BY stay_id))).len() AS diagnoses,
    min(beds) AS beds
FROM (SELECT *, datediff('hour', admitted, discharged) AS hours FROM stays) AS st
JOIN wards AS w USING (ward_id)
GROUP BY ALL
HAVING count(*) > 0
ORDER BY ALL
