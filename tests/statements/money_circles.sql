-- Money that comes back to where it started within three transfers.
WITH RECURSIVE trail AS (
    SELECT from_account AS origin, to_account AS at, amount, booked, 1 AS steps, [transfer_id] AS via FROM transfers
    UNION ALL
    SELECT trail.origin, t.to_account, least(trail.amount, t.amount), t.booked, trail.steps + 1, trail.via || [t.transfer_id]
    FROM trail JOIN transfers AS t ON t.from_account = trail.at
    WHERE trail.steps < 3 AND t.booked >= trail.booked AND trail.at <> trail.origin
)
SELECT a.owner, trail.amount, trail.steps, trail.via
FROM trail JOIN accounts AS a ON a.account_id = trail.origin
WHERE trail.at = trail.origin
ORDER BY trail.via
