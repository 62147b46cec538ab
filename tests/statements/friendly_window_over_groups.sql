-- Transfers by month: cumulated, compared with the month before, and ranked, over groups.
SELECT
    date_trunc('month', booked) AS month, a.currency,
    sum(amount) AS moved,
    moved - lag(moved, 1, 0) OVER by_currency AS more,
    sum(sum(amount)) OVER by_currency AS up_to,
    first_value(count(*)) OVER by_currency AS first_count,
    dense_rank() OVER (PARTITION BY month ORDER BY sum(amount) DESC, a.currency) AS place
FROM transfers AS t JOIN accounts AS a ON t.from_account = a.account_id
GROUP BY month, a.currency
WINDOW by_currency AS (PARTITION BY a.currency ORDER BY date_trunc('month', booked))
QUALIFY place <= 2
ORDER BY ALL
