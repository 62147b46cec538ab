-- How sales fall into bands of discount, with lateral aliases.
SELECT
    CASE
        WHEN discount IS NULL OR discount = 0 THEN 'none'
        WHEN discount < 2 THEN 'small'
        ELSE 'large'
    END AS band,
    quantity * unit_price AS gross,
    gross - coalesce(discount, 0) AS net,
    if(net < 0, 'loss', 'gain') AS outcome,
    greatest(net, 0) AS kept
FROM sales
WHERE gross > 0
