-- The two largest sales of each store, found for each store by itself.
SELECT st.store_name, top.sale_id, top.amount, top.place
FROM stores AS st
CROSS JOIN LATERAL (
    SELECT s.sale_id, s.quantity * s.unit_price AS amount, row_number() OVER (ORDER BY amount DESC, s.sale_id) AS place
    FROM sales AS s
    WHERE s.store_id = st.store_id AND s.sold_at::DATE >= st.opened
    ORDER BY amount DESC, s.sale_id
    LIMIT 2
) AS top
