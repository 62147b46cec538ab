-- Words of the descriptions, counted, with the parts that have them.
SELECT word, count(*) AS n, list(part ORDER BY part) AS parts
FROM (SELECT part, unnest(string_split(description, '; ')) AS word FROM parts)
GROUP BY word HAVING count(*) > 1 ORDER BY n DESC, word
