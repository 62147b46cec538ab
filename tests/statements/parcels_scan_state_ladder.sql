-- The furthest state of each parcel, and all that it had, as a map of first times.
WITH ladder(state, step) AS (VALUES ('taken', 1), ('sorted', 2), ('moved', 3), ('given', 4))
SELECT s.parcel_id, max(l.step) AS furthest, arg_max(s.state, (l.step, s.seen_at)) AS state,
  map_from_entries(list((s.state, s.hub) ORDER BY s.seen_at) FILTER (l.step < 3)) AS hubs
FROM scans s JOIN ladder l USING (state) WHERE s.parcel_id IS NOT NULL GROUP BY s.parcel_id ORDER BY s.parcel_id
