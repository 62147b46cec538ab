-- Aggregates of columns by a pattern, asked for in HAVING and sorted by their names.
SELECT team, max(COLUMNS('pay|since')) FROM staff_history GROUP BY team HAVING pay > 12 ORDER BY since, pay, team
