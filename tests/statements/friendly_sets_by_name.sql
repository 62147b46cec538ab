-- People of all businesses by name, those who are in only one.
(
    SELECT name, 'customer' AS kind, city FROM customers
    UNION ALL BY NAME
    SELECT 'patient' AS kind, name, insurer FROM patients
    UNION BY NAME
    SELECT name, department AS city, 'employee' AS kind FROM employees
)
EXCEPT
SELECT name, kind, city, NULL FROM (SELECT 'x' AS kind, name, city FROM customers WHERE segment = 'home')
ORDER BY 1, 2, 3 NULLS LAST, 4
