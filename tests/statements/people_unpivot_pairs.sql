-- Half years of the budget, two columns at a time.
SELECT *
FROM budgets
UNPIVOT ((first, second) FOR half IN ((q1, q2) AS 'spring', (q3, q4) AS 'autumn'))
