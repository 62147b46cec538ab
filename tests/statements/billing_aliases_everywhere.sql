-- Aliases used in WHERE, GROUP BY, HAVING and further items.
SELECT date_trunc('month', paid_on) AS month, amount >= 20 AS large, count(*) AS n, sum(amount) AS total, total / n AS mean
FROM payments WHERE month < DATE '2024-06-01' GROUP BY month, large HAVING n > 1 AND total > 5 ORDER BY month, large
