-- Fields of the configuration as columns of their own, one row for each label.
SELECT device_id, unnest(config.thresholds), config.interval_s, config.interval_s / 60 AS minutes, unnest(config.labels) AS label
FROM devices
WHERE config.interval_s >= 60
