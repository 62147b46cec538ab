-- Sums of sites by day, wide, the days listed.
SELECT * FROM (SELECT m.tags.site AS site, v.seen_at::DATE::VARCHAR AS day, v.kwh FROM meter_values v JOIN meters m USING (meter))
PIVOT (sum(kwh), count(kwh) AS n FOR day IN ('2024-02-01', '2024-02-02')) ORDER BY site NULLS LAST
