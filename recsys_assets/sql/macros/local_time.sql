-- A time on the shop's clock, or NULL if it cannot be read.
--
-- A time with an offset or the name of a zone is converted to the shop's zone, one without is taken as it stands. Years
-- of five digits, years before the first one, and infinity are errors, which most readers of tables cannot represent.
CASE
    WHEN typeof(value) IN ('TIMESTAMP', 'DATE', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS')
        THEN CASE WHEN TRY_CAST(value AS TIMESTAMP) BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59'
            THEN TRY_CAST(value AS TIMESTAMP) END
    WHEN typeof(value) = 'TIMESTAMP WITH TIME ZONE'
        THEN CASE WHEN TRY_CAST(value AS TIMESTAMPTZ)
            BETWEEN TIMESTAMPTZ '0001-01-02 00:00:00+00' AND TIMESTAMPTZ '9999-12-30 00:00:00+00'
            THEN timezone($time_zone, TRY_CAST(value AS TIMESTAMPTZ)) END
    WHEN strlen(value::VARCHAR) = 19 AND substr(value::VARCHAR, 17, 1) = ':'
        THEN TRY_CAST(value::VARCHAR AS TIMESTAMP)
    WHEN regexp_matches(value::VARCHAR, '(?i)^[^0-9]*[0-9]{5,}-|inf|\(BC\)')
        THEN NULL
    WHEN NOT regexp_matches(value::VARCHAR, '[0-9]:[0-9]{2}.*([A-Za-z]|[+-][0-9])')
        THEN TRY_CAST(visible_text(value) AS TIMESTAMP)
    ELSE timezone($time_zone, TRY_CAST(
        regexp_replace(nullif(regexp_extract(visible_text(value), $zoned_time), ''), ' ([+-])|\[.*', '\1') AS TIMESTAMPTZ
    ))
END
