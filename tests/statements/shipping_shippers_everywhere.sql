-- Shippers with a container on every voyage of some vessel: division by two NOT EXISTS.
SELECT DISTINCT c.shipper, vs.vessel
FROM containers AS c
CROSS JOIN vessels AS vs
WHERE c.shipper IS NOT NULL
  AND EXISTS (FROM voyages AS any_voyage WHERE any_voyage.vessel_id = vs.vessel_id)
  AND NOT EXISTS (
    SELECT 1
    FROM voyages AS v
    WHERE v.vessel_id = vs.vessel_id
      AND NOT EXISTS (
        SELECT 1 FROM containers AS mine WHERE mine.voyage_id = v.voyage_id AND mine.shipper = c.shipper
      )
  )
ORDER BY c.shipper, vs.vessel
