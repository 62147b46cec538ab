-- Trees of two levels as nested structs.
SELECT u.assembly, list({'part': u.component, 'n': u.pieces, 'below': (SELECT list(v.component ORDER BY v.component) FROM part_uses v WHERE v.assembly = u.component)} ORDER BY u.component) AS tree
FROM part_uses u GROUP BY u.assembly ORDER BY u.assembly
