-- Pieces by channel and year, a column for each, in words for what is missing.
SELECT brand, COALESCE(COLUMNS(* EXCLUDE (brand)), 0)
FROM (
    SELECT * FROM (SELECT p.brand, s.channel, s.quantity FROM sales AS s JOIN products AS p USING (product_id))
    PIVOT (sum(quantity) AS pieces, max(quantity) AS most FOR channel IN ('web', 'store'))
)
ORDER BY brand
