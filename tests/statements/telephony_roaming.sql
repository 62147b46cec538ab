-- Calls made from another district than the caller's home.
SELECT c.call_id, s.msisdn, home.district AS home_district, away.district AS call_district, away.technology
FROM calls AS c
JOIN subscribers AS s ON s.subscriber_id = c.caller
JOIN cells AS home ON home.cell_id = s.home_cell
JOIN cells AS away ON away.cell_id = c.cell_id
WHERE home.district <> away.district
