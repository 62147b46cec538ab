-- The assemblies at the top that need a part, found upwards.
WITH RECURSIVE up AS (
  SELECT component AS part, assembly FROM part_uses
  UNION
  SELECT up.part, u.assembly FROM up JOIN part_uses u ON u.component = up.assembly
)
SELECT part, list(assembly ORDER BY assembly) AS tops FROM up
WHERE assembly NOT IN (SELECT component FROM part_uses) GROUP BY part ORDER BY part
