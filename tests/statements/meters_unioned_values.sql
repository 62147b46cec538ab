-- UNION types made of numbers and texts, and their tags.
SELECT meter, union_tag(u)::VARCHAR AS tag, u.num AS num, u.txt AS txt
FROM (SELECT meter, seen_at, CASE WHEN quality = 'ok' THEN union_value(num := kwh)::UNION(num DOUBLE, txt VARCHAR) ELSE union_value(txt := quality::VARCHAR)::UNION(num DOUBLE, txt VARCHAR) END AS u FROM meter_values)
ORDER BY meter, tag, num, txt
