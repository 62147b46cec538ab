-- A cleaned id, or NULL if the text means that there is none; all tables use this macro.
--
-- Like clean_text; in addition a whole number that became a decimal one ("17850.0") is that number, and the apostrophe
-- by which spreadsheets keep zeros ("'00123") is removed. A column of whole numbers is not cleaned as text, unless a
-- number means that there is no value.
CASE
    WHEN $numbers_are_ids AND typeof(value) IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT')
        AND TRY_CAST(value AS BIGINT) > 0
        THEN value::VARCHAR
    WHEN regexp_full_match(value::VARCHAR, $plain_id) THEN value::VARCHAR
    ELSE nullif(
        regexp_replace(
            regexp_replace(regexp_replace(visible_text(value), $kept_zeros, '\1'), $decimal_zeros, '\1'),
            $no_value,
            ''
        ),
        ''
    )
END
