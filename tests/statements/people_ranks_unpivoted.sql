-- The places of each employee by salary and by time, a row each.
WITH places AS (
    SELECT name, department, rank() OVER (ORDER BY salary DESC) AS by_salary, rank() OVER (PARTITION BY department ORDER BY hired) AS by_time
    FROM employees
)
SELECT name, department, kind, place
FROM places UNPIVOT (place FOR kind IN (by_salary, by_time))
