-- Subordinates by steps, the path of names, and the salaries above.
WITH RECURSIVE chain AS (
    SELECT employee_id, name, manager_id, [name] AS path, 0 AS depth, salary AS most FROM employees WHERE manager_id IS NULL
    UNION ALL
    SELECT e.employee_id, e.name, e.manager_id, list_append(c.path, e.name), c.depth + 1, greatest(c.most, e.salary)
    FROM employees AS e JOIN chain AS c ON e.manager_id = c.employee_id
    WHERE c.depth < 5 AND NOT list_contains(c.path, e.name)
)
SELECT name, depth, array_to_string(path, ' > ') AS path, most, (SELECT count(*) FROM chain AS below WHERE below.manager_id = chain.employee_id) AS reports
FROM chain
ORDER BY ALL
