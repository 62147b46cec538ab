-- Parcels given later than promised, or not at all.
SELECT p.parcel_id, p."Ziel Ort", p.promised, s.seen_at AS given, coalesce(s.seen_at::DATE - p.promised, -1) AS days
FROM parcels p LEFT JOIN (SELECT parcel_id, max(seen_at) AS seen_at FROM scans WHERE state = 'given' GROUP BY parcel_id) s USING (parcel_id)
WHERE s.seen_at IS NULL OR s.seen_at::DATE > p.promised ORDER BY p.parcel_id
