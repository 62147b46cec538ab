-- A summary of the readings.
SELECT column_name, column_type, min, max, count FROM (SUMMARIZE readings)
