-- Every row that was read and not accepted, with the reason, its file and line, and its original content.
--
-- For each source table, the rows here and in its clean table together are the rows that were read; a check enforces it.
--
-- column: table_name: the raw table that holds the row
-- column: reason: why it was rejected, from a short list of reasons that can be counted
-- column: detail: the offending value in this row
-- column: raw_row: the original row as JSON; the line itself for rows that could not be split into fields
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    'raw_events' AS table_name, reason, detail,
    CASE WHEN _row IS NULL THEN to_json(raw) ELSE to_json(struct_pack(line := _row)) END::VARCHAR AS raw_row,
    _file, _line
FROM checked_events
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'raw_users' AS table_name, reason, detail,
    CASE WHEN _row IS NULL THEN to_json(raw) ELSE to_json(struct_pack(line := _row)) END::VARCHAR AS raw_row,
    _file, _line
FROM checked_users
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'raw_items' AS table_name, reason, detail,
    CASE WHEN _row IS NULL THEN to_json(raw) ELSE to_json(struct_pack(line := _row)) END::VARCHAR AS raw_row,
    _file, _line
FROM checked_items
WHERE reason IS NOT NULL
UNION ALL
SELECT
    'raw_promotions' AS table_name, reason,
    CASE reason
        WHEN 'malformed row' THEN _fault
        WHEN 'missing item id' THEN reason
        ELSE 'it starts on ' || coalesce('''' || raw.start_day || '''', '(empty)')
            || ' and ends on ' || coalesce('''' || raw.end_day || '''', '(empty)')
    END AS detail,
    CASE WHEN _row IS NULL THEN to_json(raw) ELSE to_json(struct_pack(line := _row)) END::VARCHAR AS raw_row,
    _file, _line
FROM checked_promotions
WHERE reason IS NOT NULL
UNION ALL
-- copies of a promotion are equal to the row that stays, so its values stand for theirs
SELECT
    'raw_promotions' AS table_name,
    'exact duplicate' AS reason,
    'the same row as ' || _file || ':' || _line AS detail,
    to_json(struct_pack(
        item_id := item_id, store_id := store_id, kind := kind, display := display, mailer := mailer,
        coupon_id := coupon_id, campaign_id := campaign_id, start_day := start_day, end_day := end_day
    ))::VARCHAR AS raw_row,
    regexp_extract(place, '^(.*):(\d+)$', 1) AS _file,
    regexp_extract(place, '^(.*):(\d+)$', 2)::BIGINT AS _line
FROM (SELECT *, unnest(copies) AS place FROM promotions WHERE copies IS NOT NULL) AS repeated
