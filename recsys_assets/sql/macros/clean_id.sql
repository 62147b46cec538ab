-- An id as every table names it, or NULL where the text means that there is none; the one cleaner of all tables.
--
-- As clean_text, and a whole number that became a decimal one ("17850.0") is that number, and one behind the apostrophe
-- by which spreadsheets keep zeros ("'00123") is without it.
CASE
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
