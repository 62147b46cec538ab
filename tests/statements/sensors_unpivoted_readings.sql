-- Measures of readings one below the other, with what is missing kept.
SELECT *
FROM (SELECT device_id, read_at, temperature, humidity, battery::DOUBLE AS battery FROM readings)
UNPIVOT INCLUDE NULLS (reading FOR measure IN (temperature, humidity, battery))
