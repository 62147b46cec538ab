-- Employees beside what their department, their manager and those hired before them get.
SELECT
    e.name, e.salary,
    (SELECT avg(x.salary) FROM employees AS x WHERE x.department = e.department AND x.employee_id <> e.employee_id) AS others,
    (SELECT m.name FROM employees AS m WHERE m.employee_id = e.manager_id) AS manager,
    e.salary >= ALL (SELECT x.salary FROM employees AS x WHERE x.hired < e.hired AND x.salary IS NOT NULL) AS best_so_far,
    EXISTS (FROM budgets AS b WHERE b.department = e.department AND b.q1 + b.q2 > (SELECT sum(x.salary) FROM employees AS x WHERE x.department = b.department)) AS paid,
    ARRAY(SELECT x.name FROM employees AS x WHERE x.manager_id = e.employee_id ORDER BY x.name) AS team
FROM employees AS e
ORDER BY e.employee_id
