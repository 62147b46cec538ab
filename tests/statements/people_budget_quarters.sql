-- Budgets by quarter against what salaries cost in the department.
WITH quarters AS (
    FROM budgets UNPIVOT (amount FOR quarter IN (q1, q2, q3, q4))
)
SELECT q.department, q.year, q.quarter, q.amount, q.amount - payroll.cost / 4 AS left_over, sum(q.amount) OVER (PARTITION BY q.department ORDER BY q.year, q.quarter) AS cumulated
FROM quarters AS q
LEFT JOIN (SELECT department, sum(salary) AS cost FROM employees GROUP BY department) AS payroll USING (department)
ORDER BY q.department, q.year, q.quarter
