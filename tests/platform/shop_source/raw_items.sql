-- The products.
SELECT product AS item_id, name AS title, category, brand, _file, _line
FROM read_parquet('products.parquet')
