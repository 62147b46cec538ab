-- Employees against their department and their manager.
SELECT
    e.name,
    e.department,
    e.salary,
    e.salary - avg(e.salary) OVER (PARTITION BY e.department) AS above_department,
    m.name AS manager,
    e.salary > m.salary AS earns_more,
    percent_rank() OVER (PARTITION BY e.department ORDER BY e.salary) AS place
FROM employees AS e
LEFT JOIN employees AS m ON m.employee_id = e.manager_id
ORDER BY e.employee_id
