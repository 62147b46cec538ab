-- What is sold: one row for each item that the source describes.
--
-- Where a source describes an item in several ways, the description known first is kept, if the source says since when;
-- otherwise the most frequent one, and the first of equals. A missing title is composed of other columns, other gaps
-- are 'unknown'; `filled` names them. Items that were bought but are not described are not here; item_profiles has all.
--
-- column: item_id: the product
-- column: title: the item's name, or subcategory and package size, or its id
-- column: department: the widest group
-- column: category: the group in which people think
-- column: subcategory: the narrowest group
-- column: brand: the brand, or kind of brand
-- column: manufacturer: who makes it
-- column: package_size: as printed on the package
-- column: filled: names of the columns that were empty in the row and are filled here
-- column: known_from: since when this is known, where the source says so: models see it from then on
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    item_id,
    coalesce(
        title,
        nullif(concat_ws(
            ', ',
            coalesce(subcategory, category, department),
            package_size
        ), ''),
        'item ' || item_id
    ) AS title,
    coalesce(department, 'unknown') AS department,
    coalesce(category, 'unknown') AS category,
    coalesce(subcategory, 'unknown') AS subcategory,
    coalesce(brand, 'unknown') AS brand,
    coalesce(manufacturer, 'unknown') AS manufacturer,
    coalesce(package_size, 'unknown') AS package_size,
    list_concat(
        CASE WHEN title IS NULL THEN ['title'] ELSE [] END,
        CASE WHEN department IS NULL THEN ['department'] ELSE [] END,
        CASE WHEN category IS NULL THEN ['category'] ELSE [] END,
        CASE WHEN subcategory IS NULL THEN ['subcategory'] ELSE [] END,
        CASE WHEN brand IS NULL THEN ['brand'] ELSE [] END,
        CASE WHEN manufacturer IS NULL THEN ['manufacturer'] ELSE [] END,
        CASE WHEN package_size IS NULL THEN ['package_size'] ELSE [] END
    )::VARCHAR[] AS filled,
    known_time AS known_from,
    _file,
    _line
FROM checked_items
WHERE reason IS NULL
