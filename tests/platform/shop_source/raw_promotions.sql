-- Which products were on the first page of a week's mailer.
SELECT product AS item_id, store AS store_id, 'placement' AS kind, 'front' AS mailer, starts AS start_day, ends AS end_day, _file, _line
FROM read_parquet('mailer.parquet')
