-- Margins of categories and brands, each ranked within its parent.
SELECT
    sum(unit_price - cost) / sum(unit_price) AS margin, category, brand,
    grouping(category) + grouping(brand) AS lochierarchy,
    rank() OVER (
        PARTITION BY grouping(category) + grouping(brand), CASE WHEN grouping(brand) = 0 THEN category END
        ORDER BY sum(unit_price - cost) / sum(unit_price)
    ) AS rank_within_parent
FROM sales JOIN products USING (product_id)
WHERE cost IS NOT NULL
GROUP BY ROLLUP (category, brand)
ORDER BY lochierarchy DESC, CASE WHEN lochierarchy = 0 THEN category END, rank_within_parent, brand, category
