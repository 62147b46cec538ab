-- Every row of raw_users once, with the reason for its rejection, or NULL.
WITH typed AS (
    SELECT
        * EXCLUDE (
            age_group, income_group, household_size, household_type, home_ownership, marital_status, children,
            country
        ),
        clean_text(age_group) AS age_group,
        clean_text(income_group) AS income_group,
        clean_text(household_size) AS household_size,
        clean_text(household_type) AS household_type,
        clean_text(home_ownership) AS home_ownership,
        clean_text(marital_status) AS marital_status,
        clean_text(children) AS children,
        clean_text(country) AS country,
        struct_pack(
            user_id := user_id, age_group := age_group, income_group := income_group,
            household_size := household_size, household_type := household_type, home_ownership := home_ownership,
            marital_status := marital_status, children := children, country := country, occurrences := occurrences,
            known_from := known_from
        ) AS raw,
        clean_id(user_id) AS user_key,
        TRY_CAST(occurrences AS BIGINT) AS count,
        local_time(known_from) AS known_time
    FROM raw_users
),

judged AS (
    SELECT
        *,
        CASE
            WHEN _fault IS NOT NULL THEN 'malformed row'
            WHEN user_key IS NULL THEN 'missing user id'
            WHEN count IS NULL AND occurrences IS NOT NULL THEN 'occurrences is not a number'
            WHEN known_time IS NULL AND known_from IS NOT NULL THEN 'known from cannot be read'
        END AS fault
    FROM typed
),

ranked AS (
    SELECT
        *,
        row_number() OVER copies AS copy,
        first_value(_file || ':' || _line) OVER copies AS first_copy,
        first_value(raw) OVER commonest = raw AS is_commonest,
        first_value(_file || ':' || _line) OVER commonest AS kept
    FROM judged
    WINDOW
        copies AS (PARTITION BY fault, raw ORDER BY starts_with(_file, 'landing/'), _file, _line),
        commonest AS (
            PARTITION BY fault, user_key
            ORDER BY
                known_time, CASE WHEN known_time IS NULL THEN count END DESC NULLS LAST,
                starts_with(_file, 'landing/'), _file, _line, raw
        )
)

SELECT
    * EXCLUDE (user_id, user_key),
    user_key AS user_id,
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN copy > 1 THEN 'exact duplicate'
        WHEN NOT is_commonest THEN 'another row describes this user'
    END AS reason,
    CASE
        WHEN fault = 'malformed row' THEN _fault
        WHEN fault = 'missing user id' THEN fault
        WHEN fault = 'known from cannot be read' THEN 'known from is ''' || known_from || ''''
        WHEN fault IS NOT NULL THEN 'occurrences is ''' || occurrences || ''''
        WHEN copy > 1 THEN 'the same row as ' || first_copy
        WHEN known_time IS NOT NULL THEN 'the row at ' || kept || ' is kept: it was known first'
        ELSE 'the row at ' || kept || ' is kept: it occurs more often, or first'
    END AS detail
FROM ranked
