-- What the service showed: one row per product of an answer, with file and line.
--
-- A line that a kill cut off, or that is damaged, gives no row.
--
-- column: day: the day of the answer, by the shop's clock
-- column: time: when the answer was given (UTC)
-- column: query_id: the answer
-- column: user_id: the customer; NULL for an anonymous visitor [pii, person]
-- column: client_id: the browser or device, where it was sent [pii]
-- column: model_table: the table of the model that answered; in an interleaved list, of the item's model
-- column: model_version: the version of that table
-- column: record: id of the record of that version
-- column: arm: the arm that decided the answer; control without an experiment
-- column: experiments: the arm of each experiment that ran, as JSON
-- column: cold: whether nothing was known, so that the list had popular items
-- column: item_id: the product that was shown
-- column: position: its place in the list, from 1
-- column: propensity: probability of showing it there, given the items above
-- column: credit: in an interleaved list, the arm that a click counts for; NULL elsewhere
-- column: _file: the file that holds the line, below the home
-- column: _line: its number there
SELECT
    CAST(timezone($time_zone, timezone('UTC', time)) AS DATE) AS day,
    time,
    json_extract_string(entry, '$.query_id') AS query_id,
    json_extract_string(entry, '$.user') AS user_id,
    json_extract_string(entry, '$.client_id') AS client_id,
    json_extract_string(model, '$.table') AS model_table,
    TRY_CAST(json_extract_string(model, '$.model_version') AS BIGINT) AS model_version,
    json_extract_string(model, '$.record') AS record,
    json_extract_string(entry, '$.arm') AS arm,
    CAST(json_extract(entry, '$.experiments') AS VARCHAR) AS experiments,
    TRY_CAST(json_extract_string(entry, '$.cold') AS BOOLEAN) AS cold,
    items[position] AS item_id,
    position,
    propensities[position] AS propensity,
    credits[position] AS credit,
    _file,
    _line
FROM (
    SELECT *, coalesce(json_extract(entry, '$.models."' || sources[position] || '"'), entry) AS model
    FROM (
        SELECT *, unnest(range(1, len(items) + 1)) AS position
        FROM (
            SELECT
                entry,
                make_timestamp(CASE WHEN micros BETWEEN 0 AND 4102444800000000 THEN micros END) AS time,
                json_extract_string(entry, '$.object_ids[*]') AS items,
                TRY_CAST(json_extract_string(entry, '$.propensities[*]') AS DOUBLE[]) AS propensities,
                json_extract_string(entry, '$.sources[*]') AS sources,
                json_extract_string(entry, '$.credits[*]') AS credits,
                _file,
                _line
            FROM (
                SELECT entry, TRY_CAST(json_extract_string(entry, '$.time') AS BIGINT) AS micros, _file, _line
                FROM (
                    SELECT CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS entry, _file, _line
                    FROM read_csv('feedback/exposures-*.jsonl', header = false, names = ['line'], delim = '\t', quote = '')
                ) AS lines
            ) AS timed
        ) AS entries
        WHERE time IS NOT NULL AND json_extract_string(entry, '$.query_id') IS NOT NULL AND len(items) = len(propensities)
    ) AS placed
) AS told
