-- The customers.
SELECT customer AS user_id, age AS age_group, _file, _line
FROM read_csv('customers.csv')
