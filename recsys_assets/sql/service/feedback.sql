-- What customers did, as the service received it: one row per event, with file and line.
--
-- A line that a kill cut off, or that is damaged, gives no row.
--
-- column: day: the day of the event, by the shop's clock
-- column: time: when it happened (UTC)
-- column: event_id: the event; one that was sent twice counts once
-- column: action: exposure, view, cart, purchase or rating
-- column: user_id: the customer; NULL for an anonymous visitor [pii, person]
-- column: client_id: the browser or device, where it was sent [pii]
-- column: item_id: the product
-- column: query_id: the answer in which it was shown, where it was sent
-- column: position: its place in that answer, where it was sent
-- column: propensity: probability of that place, where it was sent
-- column: model_version: version of the model of that answer, where it was sent
-- column: arm: arm of that answer, where it was sent
-- column: value: the rating
-- column: simulated: whether the event is simulated
-- column: _file: the file that holds the line, below the home
-- column: _line: its number there
SELECT
    CAST(timezone($time_zone, timezone('UTC', time)) AS DATE) AS day,
    time,
    json_extract_string(entry, '$.event_id') AS event_id,
    json_extract_string(entry, '$.action_name') AS action,
    json_extract_string(entry, '$.user') AS user_id,
    json_extract_string(entry, '$.client_id') AS client_id,
    json_extract_string(entry, '$.object_id') AS item_id,
    json_extract_string(entry, '$.query_id') AS query_id,
    TRY_CAST(json_extract_string(entry, '$.position') AS BIGINT) AS position,
    TRY_CAST(json_extract_string(entry, '$.propensity') AS DOUBLE) AS propensity,
    TRY_CAST(json_extract_string(entry, '$.model_version') AS BIGINT) AS model_version,
    json_extract_string(entry, '$.arm') AS arm,
    TRY_CAST(json_extract_string(entry, '$.value') AS DOUBLE) AS value,
    coalesce(TRY_CAST(json_extract_string(entry, '$.simulated') AS BOOLEAN), false) AS simulated,
    _file,
    _line
FROM (
    SELECT entry, make_timestamp(CASE WHEN micros BETWEEN 0 AND 4102444800000000 THEN micros END) AS time, _file, _line
    FROM (
        SELECT entry, TRY_CAST(json_extract_string(entry, '$.time') AS BIGINT) AS micros, _file, _line
        FROM (
            SELECT CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS entry, _file, _line
            FROM read_csv('feedback/events-*.jsonl', header = false, names = ['line'], delim = '\t', quote = '')
        ) AS lines
    ) AS timed
) AS entries
WHERE
    time IS NOT NULL
    AND json_extract_string(entry, '$.event_id') IS NOT NULL
    AND json_extract_string(entry, '$.action_name') IS NOT NULL
    AND json_extract_string(entry, '$.object_id') IS NOT NULL
