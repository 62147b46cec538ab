-- What each assembly costs, made of what its bought parts cost.
WITH RECURSIVE need(root, part, pieces) AS (
  SELECT part, part, 1::HUGEINT FROM parts
  UNION ALL
  SELECT n.root, u.component, n.pieces * coalesce(u.pieces, 1) FROM need n, part_uses u WHERE u.assembly = n.part
)
SELECT p.part, p.description, sum(n.pieces * q.unit_cost) AS cost,
  count(*) FILTER (NOT EXISTS (SELECT 1 FROM part_uses x WHERE x.assembly = n.part)) AS bought
FROM parts p JOIN need n ON n.root = p.part JOIN parts q ON q.part = n.part
GROUP BY p.part, p.description ORDER BY p.part
