-- What the tree below each manager costs.
WITH RECURSIVE tree AS (
    SELECT employee_id AS top, employee_id FROM employees
    UNION ALL
    SELECT tree.top, e.employee_id FROM tree JOIN employees AS e ON e.manager_id = tree.employee_id
)
SELECT boss.employee_id, boss.name, count(*) - 1 AS below, sum(member.salary) AS cost
FROM tree
JOIN employees AS boss ON boss.employee_id = tree.top
JOIN employees AS member ON member.employee_id = tree.employee_id
GROUP BY boss.employee_id, boss.name
HAVING count(*) > 1
ORDER BY cost DESC, boss.employee_id
