-- Columns replaced, renamed and computed by patterns, sorted by the names that they got.
SELECT * EXCLUDE (team) REPLACE (coalesce(role, 'none') AS role, -pay AS pay) RENAME (since AS begun)
FROM staff_history WHERE begun > DATE '2022-02-01' ORDER BY role, (pay), begun DESC, staff_id
