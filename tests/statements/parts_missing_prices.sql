-- Parts whose cost is unknown somewhere below, by a semi join of a recursion.
WITH RECURSIVE below AS (
  SELECT assembly AS root, component FROM part_uses
  UNION SELECT b.root, u.component FROM below b JOIN part_uses u ON u.assembly = b.component
)
FROM parts p SEMI JOIN (FROM below b JOIN parts q ON q.part = b.component SELECT b.root WHERE q.unit_cost IS NULL OR q.description IS NULL) m ON m.root = p.part
SELECT p.part, p.description ORDER BY p.part
