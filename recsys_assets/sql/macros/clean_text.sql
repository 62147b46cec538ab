-- A text without what cannot be seen, or NULL where it says that there is no value.
CASE
    WHEN regexp_full_match(value::VARCHAR, $plain_text) THEN value::VARCHAR
    WHEN NOT list_contains($no_value, lower(visible_text(value))) THEN nullif(visible_text(value), '')
END
