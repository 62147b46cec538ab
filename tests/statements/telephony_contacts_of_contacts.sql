-- Subscribers two calls away from a subscriber, who were never called directly.
SELECT DISTINCT one.caller AS subscriber, two.callee AS suggested
FROM calls AS one
INNER JOIN calls AS two ON two.caller = one.callee
WHERE two.callee <> one.caller
  AND (one.caller, two.callee) NOT IN (
    SELECT (caller, callee) FROM calls WHERE caller IS NOT NULL AND callee IS NOT NULL
  )
ORDER BY subscriber, suggested
