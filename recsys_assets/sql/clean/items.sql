-- What is sold: one row for each item that the source describes.
--
-- Where a source describes an item in several ways the most frequent stays, of equals the first. A missing title
-- is made of what else is known, other gaps are 'unknown'; `filled` names them. Items that were bought but are not
-- described are not here; item_profiles has all.
--
-- column: item_id: the product
-- column: title: its name, or subcategory and package size, or its id
-- column: department: the widest group
-- column: category: the group that people think in
-- column: subcategory: the narrowest group
-- column: brand: the brand, or kind of brand
-- column: manufacturer: who makes it
-- column: package_size: as written on it
-- column: filled: the names of the columns that the row left empty and that were filled here
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    item_id,
    coalesce(
        nullif(trim(title::VARCHAR), ''),
        nullif(concat_ws(
            ', ',
            coalesce(nullif(trim(subcategory::VARCHAR), ''), nullif(trim(category::VARCHAR), ''),
                nullif(trim(department::VARCHAR), '')),
            nullif(trim(package_size::VARCHAR), '')
        ), ''),
        'item ' || item_id
    ) AS title,
    coalesce(nullif(trim(department::VARCHAR), ''), 'unknown') AS department,
    coalesce(nullif(trim(category::VARCHAR), ''), 'unknown') AS category,
    coalesce(nullif(trim(subcategory::VARCHAR), ''), 'unknown') AS subcategory,
    coalesce(nullif(trim(brand::VARCHAR), ''), 'unknown') AS brand,
    coalesce(nullif(trim(manufacturer::VARCHAR), ''), 'unknown') AS manufacturer,
    coalesce(nullif(trim(package_size::VARCHAR), ''), 'unknown') AS package_size,
    list_concat(
        CASE WHEN is_untitled THEN ['title'] ELSE [] END,
        CASE WHEN coalesce(trim(department::VARCHAR), '') = '' THEN ['department'] ELSE [] END,
        CASE WHEN coalesce(trim(category::VARCHAR), '') = '' THEN ['category'] ELSE [] END,
        CASE WHEN coalesce(trim(subcategory::VARCHAR), '') = '' THEN ['subcategory'] ELSE [] END,
        CASE WHEN coalesce(trim(brand::VARCHAR), '') = '' THEN ['brand'] ELSE [] END,
        CASE WHEN coalesce(trim(manufacturer::VARCHAR), '') = '' THEN ['manufacturer'] ELSE [] END,
        CASE WHEN coalesce(trim(package_size::VARCHAR), '') = '' THEN ['package_size'] ELSE [] END
    )::VARCHAR[] AS filled,
    _file,
    _line
FROM checked_items
WHERE reason IS NULL
