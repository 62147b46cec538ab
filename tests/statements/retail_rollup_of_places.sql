-- Revenue by region and city with subtotals, and which columns a row sums over.
SELECT
    st.region,
    st.city,
    grouping(st.region) AS region_is_total,
    grouping_id(st.region, st.city) AS level,
    count(*) AS lines,
    sum(s.quantity) AS pieces,
    count(*) FILTER (WHERE s.coupon IS NOT NULL) AS with_coupon
FROM sales AS s
LEFT JOIN stores AS st ON st.store_id = s.store_id
GROUP BY ROLLUP (st.region, st.city)
HAVING count(*) > 1
ORDER BY level, st.region NULLS FIRST, st.city NULLS FIRST
