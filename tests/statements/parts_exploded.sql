-- Everything that goes into an assembly, with pieces multiplied along the ways and the ways themselves.
WITH RECURSIVE bom AS (
  SELECT assembly AS root, component, coalesce(pieces, 1)::BIGINT AS pieces, 1 AS level, [assembly, component] AS way FROM part_uses
  UNION ALL
  SELECT b.root, u.component, b.pieces * coalesce(u.pieces, 1), b.level + 1, list_append(b.way, u.component)
  FROM bom b JOIN part_uses u ON u.assembly = b.component WHERE NOT list_contains(b.way, u.component)
)
SELECT root, component, sum(pieces) AS pieces, min(level) AS nearest, count(*) AS ways, list(array_to_string(way, '>') ORDER BY way) AS via
FROM bom GROUP BY ALL ORDER BY ALL
