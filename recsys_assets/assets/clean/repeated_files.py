"""Repeated files: files with most events of another file, some of them changed, such as a corrected export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from recsys_lineage.assets.checks import OUTPUT

_MOST_PAIRS = 20
_KEYED = """SELECT _file, _line, hash(
        coalesce(event_time::VARCHAR, _day::VARCHAR), user_id, item_id, order_id, behaviour
    ) AS key
    FROM raw_events WHERE _event_id IS NULL AND _fault IS NULL"""
"""Query for a key of the event that each row describes; equal for rows that differ in other columns only."""
_PAIRS = f"""WITH keyed AS ({_KEYED}),
    firsts AS (SELECT key, min(_file) AS first FROM keyed GROUP BY key HAVING min(_file) <> max(_file)),
    sizes AS (SELECT _file, count(*) AS rows FROM keyed GROUP BY _file),
    shared AS (
        SELECT firsts.first, keyed._file AS other, count(*) AS rows
        FROM keyed INNER JOIN firsts ON firsts.key = keyed.key WHERE keyed._file <> firsts.first GROUP BY ALL
    )
    SELECT shared.first, shared.other, shared.rows
    FROM shared
    INNER JOIN sizes AS one ON one._file = shared.first
    INNER JOIN sizes AS two ON two._file = shared.other
    WHERE 2 * shared.rows > least(one.rows, two.rows)
    ORDER BY shared.rows DESC, shared.first, shared.other LIMIT {_MOST_PAIRS}"""
_DIFFERENT = f"""WITH keyed AS ({_KEYED} AND _file IN ($first, $other)),
    accepted AS (
        SELECT keyed._file, keyed.key, events.event_time
        FROM {OUTPUT} AS events
        INNER JOIN keyed ON keyed._file = events._file AND keyed._line = events._line
    ),
    homes AS (
        SELECT key, bool_or(_file = $first) AS by_first, bool_or(_file = $other) AS by_other FROM keyed GROUP BY key
    ),
    spans AS (
        SELECT
            min(event_time) FILTER (by_first) AS first_from, max(event_time) FILTER (by_first) AS first_to,
            min(event_time) FILTER (by_other) AS other_from, max(event_time) FILTER (by_other) AS other_to
        FROM accepted INNER JOIN homes ON homes.key = accepted.key
    ),
    found AS (
        SELECT
            accepted.key,
            bool_or(_file = $first) AND bool_or(_file = $other) AS twice,
            NOT any_value(by_other) AND any_value(event_time BETWEEN other_from AND other_to) AS only_first,
            NOT any_value(by_first) AND any_value(event_time BETWEEN first_from AND first_to) AS only_other
        FROM accepted INNER JOIN homes ON homes.key = accepted.key CROSS JOIN spans
        GROUP BY accepted.key
    )
    SELECT
        count(*) FILTER (twice) + least(count(*) FILTER (only_first), count(*) FILTER (only_other)) AS rows
    FROM found"""


@dataclass(frozen=True)
class RepeatedFile:
    """Two files that contain the same events.

    Attributes:
        first, other: the files, by name.
        same: number of rows of the other file whose events are in the first one too.
        different: number of events that count twice, because the files describe them differently.
    """

    first: str
    other: str
    same: int
    different: int


def repeated_files(query: Callable[[str, Mapping[str, Any]], pl.DataFrame]) -> list[RepeatedFile]:
    """Pairs of files where most rows of the smaller one are in the other too, some of them changed.

    Equal rows count once, so files that overlap in equal rows, such as exports of the last thirty days, are no repeats.

    Args:
        query: answers a SELECT over `raw_events` and the accepted events, `output`.
    """
    (several,) = query(
        "SELECT min(_file) IS DISTINCT FROM max(_file) AS several FROM raw_events WHERE _event_id IS NULL", {}
    )["several"]
    if not several:
        return []
    found = []
    for first, other, same in query(_PAIRS, {}).iter_rows():
        different = query(_DIFFERENT, {"first": first, "other": other})["rows"][0]
        if different:
            found.append(RepeatedFile(first, other, same, different))
    return found
