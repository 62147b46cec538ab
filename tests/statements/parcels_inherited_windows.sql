-- Windows that go on from other windows.
SELECT parcel_id, seen_at, state, nth_value(state, 2) OVER whole AS second, last_value(hub) OVER whole AS last_hub,
  count(*) OVER so_far AS number, dense_rank() OVER by_time AS rank
FROM scans WHERE parcel_id IS NOT NULL
WINDOW by_parcel AS (PARTITION BY parcel_id), by_time AS (by_parcel ORDER BY seen_at),
  so_far AS (by_parcel ORDER BY seen_at ROWS UNBOUNDED PRECEDING),
  whole AS (by_parcel ORDER BY seen_at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
ORDER BY parcel_id, seen_at
