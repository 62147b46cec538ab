"""Days of which no row was accepted, because values of their rows could not be read."""

from __future__ import annotations

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

_UNREAD = (
    "reason IN ('event time cannot be read', 'event time is missing') OR ends_with(reason, 'is not a number') "
    "OR (ends_with(reason, 'is out of range') AND NOT starts_with(reason, 'event time'))"
)
"""Condition for reasons that the source's SQL or settings can mend. Guests, returns, copies, products that are none and
days outside `first_day` and `last_day` are no faults; a day may consist of them."""
_TABLES = ("raw_events", "events", "rejected_rows")


def unread_days(lake: Lake) -> dict[str, str]:
    """Day → the reason why none of its rows became an event, in words.

    A malformed row counts where it is not the only row of its day: it may be the footer of an export without sales.

    Args:
        lake: the lake; without clean tables of the newest raw_events nothing is known.
    """
    if not all(map(lake.has, _TABLES)):
        return {}
    newest = lake.version("raw_events").version
    for table in _TABLES[1:]:
        record = Records(lake).latest(table)
        if record is None or ("raw_events", newest) not in {
            (read.name, read.version) for read in record.reads
        }:
            return {}
    with lake.reading(), lake.connect() as connection:
        raw, events, rejected = (lake.relation(lake.version(table)) for table in _TABLES)
        found = connection.execute(
            f"""WITH empty AS (SELECT _day FROM {raw} EXCEPT SELECT day FROM {events}),
            lines AS (SELECT DISTINCT _day, _file, _line FROM {raw} WHERE _day IN (FROM empty)),
            refused AS (
                SELECT _day, reason, _file, _line, {_UNREAD} AS unread, count(*) OVER (PARTITION BY _day) AS of_day
                FROM lines INNER JOIN {rejected} USING (_file, _line) WHERE table_name = 'raw_events'
            ),
            judged AS (SELECT *, unread OR (reason = 'malformed row' AND of_day > 1) AS is_fault FROM refused)
            SELECT _day, any_value(of_day), mode(reason) FILTER (is_fault),
                arg_min(_file || ':' || _line, (_file, _line)) FILTER (is_fault)
            FROM judged GROUP BY _day HAVING 2 * count(*) FILTER (is_fault) >= count(*) ORDER BY _day"""
        ).fetchall()
    return {str(day): _in_words(rows, reason, place) for day, rows, reason, place in found}


def _in_words(rows: int, reason: str, place: str) -> str:
    """The sentence about a day without accepted rows."""
    file = place.rpartition(":")[0]
    return (
        f"none of its {rows:,} rows is accepted, from {place} on: {reason}. What to do: mend the SQL or the file, as "
        f"recsys check advises, or give it up by: recsys forget {file}"
    )
