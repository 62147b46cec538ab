-- The greatest depth of each part, kept under its key.
WITH RECURSIVE depth(part, level) USING KEY (part) AS (
  SELECT part, 0 FROM parts WHERE part NOT IN (SELECT component FROM part_uses)
  UNION
  SELECT u.component, max(d.level + 1) FROM depth d JOIN part_uses u ON u.assembly = d.part GROUP BY u.component
)
SELECT part, level FROM depth ORDER BY part
