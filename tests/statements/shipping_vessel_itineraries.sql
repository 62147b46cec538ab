-- Where each vessel went, and voyages that start elsewhere than the one before ended.
SELECT
    vessel_id,
    voyage_id,
    origin_id,
    lag(destination_id) OVER life AS expected_origin,
    origin_id IS DISTINCT FROM lag(destination_id) OVER life AS jumped,
    departed - lag(arrived) OVER life AS in_port
FROM voyages
WINDOW life AS (PARTITION BY vessel_id ORDER BY departed, voyage_id)
QUALIFY jumped AND expected_origin IS NOT NULL
