-- Sites against each other on the days that both measured.
WITH daily AS (
    FROM readings JOIN devices USING (device_id)
    SELECT site, read_at::DATE AS day, avg(temperature) AS temperature
    GROUP BY ALL
)
SELECT a.day, a.site AS site, b.site AS other_site, a.temperature - b.temperature AS difference
FROM daily AS a
JOIN daily AS b ON a.day = b.day AND a.site < b.site
WHERE abs(a.temperature - b.temperature) > (SELECT avg(abs(x.temperature)) / 10 FROM daily AS x WHERE x.day = a.day)
ORDER BY a.day, site, other_site
