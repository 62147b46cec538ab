-- A text without invisible characters, or NULL if it means that there is no value.
CASE
    WHEN regexp_full_match(value::VARCHAR, $plain_text) THEN value::VARCHAR
    ELSE nullif(regexp_replace(visible_text(value), $no_value, ''), '')
END
