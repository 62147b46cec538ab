-- One event for each item of each line, be it named several times there. A file named for train, valid or test says to which part its events belong.
SELECT
    string_split_regex(trim(line), '\s+')[1] AS user_id,
    unnest(list_distinct(string_split_regex(trim(line), '\s+')[2:])) AS item_id,
    nullif(regexp_extract(_file, '(train|valid|test)', 1), '') AS subset,
    _file,
    _line
FROM read_csv('*.txt', header = false, names = ['line'], delim = '\t', quote = '')
