-- Transfers in one currency, by rates that stand in the statement.
SELECT t.transfer_id, a.owner, t.amount * rates.rate AS euros, rates.name AS currency
FROM transfers AS t
JOIN accounts AS a ON a.account_id = t.from_account
JOIN (VALUES ('EUR', 1.0, 'euro'), ('USD', 0.9, 'dollar'), ('GBP', 1.2, 'pound')) AS rates(code, rate, name) ON rates.code = a.currency
WHERE t.memo NOT LIKE '%void%' OR t.memo IS NULL
