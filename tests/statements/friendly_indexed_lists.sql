-- Tags with their places, and which of those at odd places are no numbers.
SELECT customer_id,
    list_transform(tags, lambda tag, place: tag || ':' || place) AS placed,
    list_transform(tags, lambda tag, place: place % 2 = 1 AND TRY(CAST(tag AS INTEGER)) IS NULL) AS odd,
    {'address': {'city': city}}.address.city AS city
FROM customers
ORDER BY ALL
