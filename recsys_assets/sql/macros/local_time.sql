-- A moment by the shop's own clock, or NULL where it cannot be read.
--
-- A time with an offset or the name of a zone is turned to the shop's zone, one without is taken as it stands.
CASE
    WHEN typeof(value) IN ('TIMESTAMP', 'DATE', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS')
        THEN TRY_CAST(value AS TIMESTAMP)
    WHEN strlen(value::VARCHAR) = 19 AND substr(value::VARCHAR, 17, 1) = ':'
        THEN TRY_CAST(value::VARCHAR AS TIMESTAMP)
    WHEN NOT regexp_matches(value::VARCHAR, '[0-9]:[0-9]{2}.*([A-Za-z]|[+-][0-9])')
        THEN TRY_CAST(visible_text(value) AS TIMESTAMP)
    ELSE timezone($time_zone, TRY_CAST(
        regexp_replace(nullif(regexp_extract(visible_text(value), $zoned_time), ''), ' ([+-])|\[.*', '\1') AS TIMESTAMPTZ
    ))
END
