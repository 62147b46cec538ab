-- For each level the device that raised it first, and all devices that ever did.
SELECT
    level,
    first(device_id ORDER BY raised, alert_id) AS first_device,
    min(raised) AS first_raised,
    list(DISTINCT device_id ORDER BY device_id) AS devices,
    max(len(message)) AS longest_message
FROM alerts
GROUP BY level
ORDER BY level NULLS LAST
