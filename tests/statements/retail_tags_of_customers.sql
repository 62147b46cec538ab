-- Tags of customers, cleaned by lambdas and comprehensions.
SELECT
    customer_id,
    list_transform(tags, lambda t: upper(t)) AS loud,
    list_filter(tags, lambda t, i: i > 1 AND t <> segment) AS others,
    [t || ':' || region FOR t IN tags IF t IS NOT NULL] AS placed,
    list_reduce(list_prepend('', coalesce(tags, [])), lambda a, b: a || coalesce(b, '?')) AS joined_up,
    address.country AS country,
    struct_extract(address, 'zip') AS zip,
    address['street'] AS street
FROM customers
WHERE len(coalesce(tags, [])) > 0
