-- A moment as it is written, or turned to the shop's zone where it says its own.
CASE
    WHEN typeof(value) IN ('TIMESTAMP', 'DATE', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS')
        THEN TRY_CAST(value AS TIMESTAMP)
    WHEN strlen(value::VARCHAR) = 19 AND substr(value::VARCHAR, 17, 1) = ':'
        THEN TRY_CAST(value::VARCHAR AS TIMESTAMP)
    WHEN NOT regexp_matches(value::VARCHAR, '[0-9]:[0-9]{2}.*([A-Za-z]|[+-][0-9])')
        THEN TRY_CAST(visible_text(value) AS TIMESTAMP)
    WHEN regexp_matches(visible_text(value), $known_zone)
        THEN timezone($time_zone, TRY_CAST(
            regexp_replace(regexp_replace(visible_text(value), '\[.*\]$', ''), ' ([+-][0-9:]+)$', '\1')
            AS TIMESTAMPTZ
        ))
END
