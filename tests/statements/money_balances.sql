-- The balance of every account after each transfer.
WITH movements AS (
    SELECT to_account AS account_id, amount, booked, transfer_id FROM transfers
    UNION ALL
    SELECT from_account, -amount, booked, transfer_id FROM transfers
)
SELECT a.owner, m.booked, m.transfer_id, m.amount, sum(m.amount) OVER (PARTITION BY a.account_id ORDER BY m.booked, m.transfer_id) AS balance
FROM movements AS m
JOIN accounts AS a USING (account_id)
ORDER BY a.account_id, m.booked, m.transfer_id, m.amount
