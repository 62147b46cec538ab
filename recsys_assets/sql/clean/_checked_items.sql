-- Every row of raw_items once, with the reason for its rejection, or NULL.
WITH typed AS (
    SELECT
        * EXCLUDE (
            title, department, category, subcategory, brand, manufacturer, package_size
        ),
        clean_text(title) AS title,
        clean_text(department) AS department,
        clean_text(category) AS category,
        clean_text(subcategory) AS subcategory,
        clean_text(brand) AS brand,
        clean_text(manufacturer) AS manufacturer,
        clean_text(package_size) AS package_size,
        struct_pack(
            item_id := item_id, title := title, department := department, category := category,
            subcategory := subcategory, brand := brand, manufacturer := manufacturer, package_size := package_size,
            occurrences := occurrences, known_from := known_from
        ) AS raw,
        clean_id(item_id) AS item_key,
        TRY_CAST(occurrences AS BIGINT) AS count,
        local_time(known_from) AS known_time
    FROM raw_items
),

judged AS (
    SELECT
        *,
        CASE
            WHEN _fault IS NOT NULL THEN 'malformed row'
            WHEN item_key IS NULL THEN 'missing item id'
            WHEN $non_products IS NOT NULL AND regexp_full_match(item_key, $non_products) THEN 'not a product'
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
            PARTITION BY fault, item_key
            ORDER BY
                known_time, CASE WHEN known_time IS NULL THEN title IS NULL END,
                CASE WHEN known_time IS NULL THEN count END DESC NULLS LAST,
                starts_with(_file, 'landing/'), _file, _line, raw
        )
)

SELECT
    * EXCLUDE (item_id, item_key),
    item_key AS item_id,
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN copy > 1 THEN 'exact duplicate'
        WHEN NOT is_commonest THEN 'another description of this item is more common'
    END AS reason,
    CASE
        WHEN fault = 'malformed row' THEN _fault
        WHEN fault = 'missing item id' THEN fault
        WHEN fault = 'not a product' THEN 'item id ' || item_key || ' is on the source''s list'
        WHEN fault = 'known from cannot be read' THEN 'known from is ''' || known_from || ''''
        WHEN fault IS NOT NULL THEN 'occurrences is ''' || occurrences || ''''
        WHEN copy > 1 THEN 'the same row as ' || first_copy
        WHEN known_time IS NOT NULL THEN 'the row at ' || kept || ' is kept: it was known first'
        ELSE 'the row at ' || kept || ' is kept: it has a title and occurs more often, or first'
    END AS detail
FROM ranked
