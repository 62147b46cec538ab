-- A text without what cannot be seen, or NULL where it says that there is no value.
CASE
    WHEN regexp_full_match(value::VARCHAR, $plain_text) THEN value::VARCHAR
    ELSE nullif(regexp_replace(visible_text(value), $no_value, ''), '')
END
