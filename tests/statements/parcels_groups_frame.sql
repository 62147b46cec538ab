-- Weights in frames of groups and without peers.
SELECT parcel_id, promised, weight_g,
  sum(weight_g) OVER (ORDER BY promised GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) AS around,
  count(*) OVER (ORDER BY promised GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) AS so_far,
  max(weight_g) OVER (ORDER BY promised ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS others
FROM parcels WHERE "from.hub" = 'VIE' QUALIFY count(*) OVER (PARTITION BY promised) = 1 ORDER BY parcel_id
