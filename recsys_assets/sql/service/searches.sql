-- Searches and what the service found: one row per search, with file and line.
--
-- A line that a kill cut off, or that is damaged, gives no row.
--
-- column: day: the day of the search, by the shop's clock
-- column: time: when it was answered (UTC)
-- column: query_id: the answer
-- column: user_id: the customer; NULL for an anonymous visitor [pii, person]
-- column: client_id: the browser or device, where it was sent [pii]
-- column: asked_by: the customer, or else the client; each search by itself where neither was sent [pii, person]
-- column: query: as it was typed [pii]
-- column: meant: the query with unknown words replaced by those probably meant; NULL if none was [pii]
-- column: items: the products that were found, best first
-- column: found: number of products found
-- column: personal: whether they were ordered by what the customer likes
-- column: index_version: the version of `search_index`
-- column: model_table: the table of the model that ordered them
-- column: model_version: the version of that table
-- column: arm: the arm that decided the answer; control without an experiment
-- column: _file: the file that holds the line, below the home
-- column: _line: its number there
SELECT
    CAST(timezone($time_zone, timezone('UTC', time)) AS DATE) AS day,
    time,
    json_extract_string(entry, '$.query_id') AS query_id,
    json_extract_string(entry, '$.user') AS user_id,
    json_extract_string(entry, '$.client_id') AS client_id,
    coalesce(
        json_extract_string(entry, '$.user'),
        json_extract_string(entry, '$.client_id'),
        json_extract_string(entry, '$.query_id')
    ) AS asked_by,
    json_extract_string(entry, '$.query') AS query,
    json_extract_string(entry, '$.meant') AS meant,
    json_extract_string(entry, '$.object_ids[*]') AS items,
    len(json_extract_string(entry, '$.object_ids[*]')) AS found,
    TRY_CAST(json_extract_string(entry, '$.personal') AS BOOLEAN) AS personal,
    TRY_CAST(json_extract_string(entry, '$.index_version') AS BIGINT) AS index_version,
    json_extract_string(entry, '$.table') AS model_table,
    TRY_CAST(json_extract_string(entry, '$.model_version') AS BIGINT) AS model_version,
    json_extract_string(entry, '$.arm') AS arm,
    _file,
    _line
FROM (
    SELECT entry, make_timestamp(CASE WHEN micros BETWEEN 0 AND 4102444800000000 THEN micros END) AS time, _file, _line
    FROM (
        SELECT entry, TRY_CAST(json_extract_string(entry, '$.time') AS BIGINT) AS micros, _file, _line
        FROM (
            SELECT CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS entry, _file, _line
            FROM read_csv('feedback/searches-*.jsonl', header = false, names = ['line'], delim = '\t', quote = '')
        ) AS lines
    ) AS timed
) AS entries
WHERE
    time IS NOT NULL
    AND json_extract_string(entry, '$.query_id') IS NOT NULL
    AND json_extract_string(entry, '$.query') IS NOT NULL
