-- The products. They have no title; the clean layer makes one of product type and package size.
SELECT
    product_id AS item_id,
    department,
    product_category AS category,
    product_type AS subcategory,
    brand,
    manufacturer_id AS manufacturer,
    package_size,
    _file,
    _line
FROM read_parquet('products.parquet')
