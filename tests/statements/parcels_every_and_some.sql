-- Hubs where every parcel was sorted, some were given, by aggregates of booleans and bits.
SELECT hub, bool_and(state <> 'given') AS never_given, bit_or(CASE state WHEN 'taken' THEN 1 WHEN 'sorted' THEN 2 WHEN 'moved' THEN 4 ELSE 8 END) AS seen,
  count_if(state = 'moved') AS moved, any_value(parcel_id ORDER BY seen_at, parcel_id) AS first
FROM scans GROUP BY hub ORDER BY hub
