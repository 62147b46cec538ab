-- Pairs of subscribers who called each other, with the share of each direction.
WITH pairs AS (
    SELECT least(caller, callee) AS a, greatest(caller, callee) AS b, caller < callee AS forward, seconds
    FROM calls
    WHERE caller <> callee
)
SELECT
    a,
    b,
    sum(seconds) AS seconds,
    sum(CASE WHEN forward THEN seconds ELSE 0 END) / nullif(sum(seconds), 0) AS forward_share
FROM pairs
GROUP BY a, b
HAVING bool_or(forward) AND bool_or(NOT forward)
ORDER BY a, b
