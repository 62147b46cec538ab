-- Readings corrected by the calibration that was valid, with flags from the device's nested configuration.
SELECT
    r.device_id,
    r.read_at,
    r.temperature + coalesce(c."offset", 0) AS temperature,
    r.temperature + coalesce(c."offset", 0) > d.config.thresholds.high AS too_warm,
    d.config.labels[1] AS label
FROM readings AS r
ASOF LEFT JOIN calibrations AS c ON c.device_id = r.device_id AND c.calibrated_at <= r.read_at
INNER JOIN devices AS d ON d.device_id = r.device_id
