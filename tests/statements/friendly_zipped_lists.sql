-- Positions of tags of customers zipped with their numbers, of which the second are taken.
SELECT customer_id, list_zip(tags, range(len(tags))) AS zipped, zipped[2] AS second, list_reverse_sort(tags)[1] AS last, tags[-1] AS end, list_position(tags, 'vip') AS place,
    list_reduce(list_transform(tags, lambda t: length(t)), lambda a, b: a + b) AS letters
FROM customers
WHERE len(tags) > 1 AND list_has_any(tags, ['vip', 'new', 'press'])
ORDER BY customer_id
