-- Hubs at which parcels start but none is given, beside towns.
(SELECT "from.hub" AS place FROM parcels EXCEPT SELECT hub FROM scans WHERE state = 'given' AND parcel_id < 6)
UNION (SELECT "Ziel Ort" FROM parcels INTERSECT SELECT city FROM customers) ORDER BY place
