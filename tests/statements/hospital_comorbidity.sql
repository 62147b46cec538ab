-- Pairs of diagnoses within one stay.
WITH exploded AS (
    SELECT stay_id, unnest(list_distinct(diagnoses)) AS code FROM stays
)
SELECT a.code AS code, b.code AS with_code, count(*) AS stays
FROM exploded AS a, exploded AS b
WHERE a.stay_id = b.stay_id AND a.code < b.code
GROUP BY ALL
HAVING stays > 1
ORDER BY stays DESC, code, with_code
