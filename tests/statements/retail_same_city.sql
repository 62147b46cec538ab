-- Customers with the stores of their city and region, also those without.
SELECT c.customer_id, c.city, st.store_id, st.size_m2, c.region IS NOT DISTINCT FROM st.region AS same_region
FROM customers AS c
FULL JOIN stores AS st USING (city)
WHERE c.customer_id IS NULL OR st.store_id IS NULL OR st.size_m2 > 200
