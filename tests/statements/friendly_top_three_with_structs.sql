-- The three dearest sales of each store, as structs, the best of which are taken out again.
WITH best AS (
    SELECT store_id, arg_max({'sale': sale_id, 'worth': quantity * unit_price, 'by': customer_id}, quantity * unit_price * 1000 + sale_id % 997, 3) AS sales
    FROM sales
    GROUP BY store_id
)
SELECT store_name, best.sales[1].worth AS most, [s.by FOR s IN best.sales] AS customers, list_sum(list_transform(best.sales, lambda s: s.worth)) AS of_three
FROM best JOIN stores USING (store_id)
ORDER BY store_name
