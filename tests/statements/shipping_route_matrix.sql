-- Distances between the first ports as a matrix.
PIVOT (SELECT from_id, to_id, distance_nm FROM routes WHERE to_id BETWEEN 1 AND 5)
ON to_id IN (1, 2, 3, 5)
USING min(distance_nm)
GROUP BY from_id
ORDER BY from_id
