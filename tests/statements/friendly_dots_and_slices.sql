-- Names cut and put together by functions called with dots.
SELECT
    customer_id,
    name.upper().split(' ')[1][1:3] AS short,
    email.regexp_extract('^([^@]+)@(.*)$', ['who', 'at']) AS parts,
    regexp_extract(email, '^([^@]+)@(.*)$', ['who', 'at']).at AS domain,
    tags.list_filter(lambda t, i: i < 3).list_transform(lambda t: t[:2] || '.').list_aggregate('string_agg', '') AS marks,
    coalesce(address.country, '?') AS country
FROM customers
ORDER BY customer_id
