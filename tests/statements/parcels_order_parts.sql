-- The channel and the number in the reference of an order.
SELECT parcel_id, split_part(order_ref, '-', 1) AS channel, TRY_CAST(regexp_extract(order_ref, '-(\d+)$', 1) AS INTEGER) AS number,
  regexp_extract(order_ref, '(\w+)-(\d+)', ['source', 'id']).source AS source
FROM parcels WHERE order_ref IS NOT NULL ORDER BY parcel_id
