"""SQL for the values of a column of a raw table, from columns of a shop's files."""

from __future__ import annotations

import re
from collections.abc import Callable

from recsys_assets.proposal.column_roles import NUMBERS
from recsys_assets.proposal.formats.other_digits import in_ascii_sql
from recsys_assets.proposal.formats.written_numbers import (
    ACCOUNTED,
    DECIMAL_COMMA,
    DECIMAL_POINT,
    NUMBER_AFFIXES,
)
from recsys_assets.proposal.names.behaviours import mapped_behaviours
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.times.month_names import MONTH_NAMES
from recsys_assets.proposal.times.written_times import BROWSERS_ZONE, EPOCH_PATTERNS, ISO, SPREADSHEET
from recsys_lineage.sql.names import literal


def value_sql(name: str, column: SampledColumn, sql_of: Callable[[str], str]) -> str:
    """Expression of a raw table's column from a column of files; `sql_of` gives the column's SQL."""
    at = sql_of(column.name) if column.written is None else column.written.sql(sql_of)
    if name in ("event_time", "start_day", "end_day"):
        return moment_sql(column, at)
    if name in NUMBERS:
        return _in_units(column, number_sql(column, at), sql_of)
    if name == "behaviour":
        return _behaviour(column, at)
    return at


def _in_units(column: SampledColumn, number: str, sql_of: Callable[[str], str]) -> str:
    """A number, or a part of it if it is in cents or scaled by another column; what is no number stays as it is, to be
    told."""
    if column.scaled_by == "nanos":
        whole, nanos = (f"TRY_CAST({each} AS DOUBLE)" for each in (number, sql_of(column.scale)))
        units = f"(round(coalesce({whole}, 0) + coalesce({nanos} / 1e9, 0), 9))::VARCHAR"
        # either is left out where it is zero
        is_none = f"({number} IS NULL AND {nanos} IS NULL) OR ({number} IS NOT NULL AND {whole} IS NULL)"
        return f"CASE WHEN {is_none} THEN {number}::VARCHAR ELSE {units} END"
    if column.scale:
        scale = f"TRY_CAST({sql_of(column.scale)} AS DOUBLE)"
        divisor = f"nullif({scale}, 0)" if column.scaled_by == "divisor" else f"pow(10, {scale})"
        units = f"TRY_CAST({number} AS DOUBLE) / {divisor}"
        # without its scale a number says nothing, so it is none
        is_none = f"TRY_CAST({number} AS DOUBLE) IS NULL"
        return f"CASE WHEN {is_none} THEN {number} ELSE ({units})::VARCHAR END" if column.is_text else units
    if column.parts == 1:
        return number
    units = f"TRY_CAST({number} AS DOUBLE) / {column.parts}"
    return f"coalesce(({units})::VARCHAR, {number})" if column.is_text else units


def number_sql(column: SampledColumn, at: str) -> str:
    """An expression for the numbers of a column of files, given its SQL `at`."""
    at = in_ascii_sql(at, column.signs)
    for pattern, minus in ACCOUNTED.items() if column.accounted else ():
        at = f"regexp_replace({at}, {literal(pattern)}, {literal(minus)})"
    if column.decorated:
        at = f"regexp_replace({at}, {literal(NUMBER_AFFIXES)}, '', 'g')"
    as_comma, as_point = f"replace(replace({at}, '.', ''), ',', '.')", f"replace({at}, ',', '')"
    # a later file may have the other sign; what can be a number in that way alone is one
    if column.thousands:
        return f"CASE WHEN regexp_full_match(trim({at}), {literal(DECIMAL_COMMA)}) THEN {as_comma} ELSE {as_point} END"
    if column.comma:
        return f"CASE WHEN regexp_full_match(trim({at}), {literal(DECIMAL_POINT)}) THEN {as_point} ELSE {as_comma} END"
    return at


def moment_sql(column: SampledColumn, at: str) -> str:
    """An expression for the times of a column of files, given its SQL `at`."""
    at = in_ascii_sql(at, column.signs)
    if column.kind == "epoch" and not column.is_text and len(column.formats) == 1:
        return _moment(column.formats[0], at)
    if column.formats == (ISO,):
        return at
    # what no way reads stays as it was, so that its row is rejected with its text
    alone = len(column.formats) == 1
    text = at if column.is_text else f"{at}::VARCHAR"
    reads = [
        f"{_moment(way, text, alone)}::VARCHAR"
        if way in EPOCH_PATTERNS
        else f"{_written(way, text)}::VARCHAR"
        for way in column.formats
        if way != ISO
    ]
    return f"coalesce({', '.join([*reads, text])})"


def _written(way: str, text: str) -> str:
    """The time of a text in one notation; a Z after its clock, or the word UTC or GMT, is the zone."""
    if way in MONTH_NAMES:
        return MONTH_NAMES[way].sql(text)
    if way.endswith("GMT%z"):
        text = f"regexp_replace({text}, {literal(BROWSERS_ZONE)}, '')"
    read = f"try_strptime(trim({text}), {literal(way)})"
    return f"timezone('UTC', {read})" if re.search("SZ$| UTC | GMT ", way) else read


def _moment(unit: str, at: str, alone: bool | None = None) -> str:
    """The time of a number, or of a text if `alone` is given; False: the column has other notations too."""
    number = at
    if alone is not None:
        number = f"TRY_CAST({at} AS {'DOUBLE' if unit == 's' else 'BIGINT'})"
        if unit == SPREADSHEET:
            number = f"TRY_CAST(replace({at}, ',', '.') AS DOUBLE)"
    moment = _MOMENTS[unit].format(number)
    if alone is False:
        return f"CASE WHEN regexp_full_match(trim({at}), {literal(EPOCH_PATTERNS[unit])}) THEN {moment} END"
    return moment


_MOMENTS = {
    "s": "TRY(to_timestamp({}))",
    "ms": "TRY(to_timestamp({} / 1000))",
    "us": "TRY(to_timestamp({} / 1000000))",
    "ns": "TRY(timezone('UTC', make_timestamp_ns({})::TIMESTAMP))",
    SPREADSHEET: "TRY(TIMESTAMP '1899-12-30' + to_seconds(round({} * 86400)))",
}
"""Unit → SQL of the time, with its zone where numbers count from 1970, which they do in UTC; no time where a number is
too large."""


def _behaviour(column: SampledColumn, at: str) -> str:
    words = mapped_behaviours(column, column.values)
    if not words:
        return at
    cases = " ".join(f"WHEN {literal(value)} THEN {literal(word)}" for value, word in words.items())
    return f"CASE {at} {cases} ELSE {at} END"
