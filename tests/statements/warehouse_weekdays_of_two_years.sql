-- For each week the takings by day of the week, beside those of the week a year later.
WITH wide AS (
    SELECT
        year(sold_at) AS year, weekofyear(sold_at) AS week,
        sum(CASE WHEN dayname(sold_at) = 'Sunday' THEN unit_price * quantity END) AS sundays,
        sum(CASE WHEN dayname(sold_at) = 'Monday' THEN unit_price * quantity END) AS mondays,
        sum(CASE WHEN dayname(sold_at) IN ('Friday', 'Saturday') THEN unit_price * quantity ELSE 0 END) AS weekends
    FROM sales
    GROUP BY year(sold_at), weekofyear(sold_at)
)
SELECT
    one.week, round(one.sundays / other.sundays, 2) AS sundays, round(one.mondays / other.mondays, 2) AS mondays,
    round(one.weekends / nullif(other.weekends, 0), 2) AS weekends
FROM (SELECT * FROM wide WHERE year = 2023) AS one,
    (SELECT * FROM wide WHERE year = 2024) AS other
WHERE one.week = other.week
ORDER BY one.week
