-- Fees of plans as a list of structs, unnested again next to who has them.
SELECT s.subscriber_id, s.plan, other.plan AS cheaper_plan, other.fee
FROM subscribers AS s
INNER JOIN plans AS mine ON mine.plan = s.plan,
LATERAL (
    SELECT unnest(list({'plan': p.plan, 'fee': p.monthly_fee} ORDER BY p.monthly_fee, p.plan), recursive := true)
    FROM plans AS p
    WHERE p.monthly_fee < mine.monthly_fee
) AS other
