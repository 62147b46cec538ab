-- Steps of pay as lists with their indices, reduced and filtered.
WITH l AS (SELECT staff_id, list(pay ORDER BY since) AS pays, list(role ORDER BY since) AS roles FROM staff_history GROUP BY staff_id)
SELECT staff_id, list_transform(pays, lambda p, i: p * i) AS weighted, list_reduce(pays, lambda a, p: a + p) AS total,
  list_reduce(pays, lambda a, p, i: a + p * i, 0) AS indexed, list_filter(roles, lambda r, i: i > 1 AND r <> 'clerk') AS later,
  [p + 1 FOR p IN pays IF p > 12] AS raised, list_zip(pays, roles)[1] AS first, [{'r': r, 'n': i} FOR r, i IN roles] AS numbered
FROM l ORDER BY staff_id
