"""SampledColumn: what some rows say of one column of a shop's files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["text", "number", "time", "epoch", "day", "nothing"]
ISO = ""
"""The format of times that DuckDB reads by itself."""
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_OTHER_DAYS = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S")
_ISO_TIME = re.compile(r"\d{4}-\d\d?-\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)?")
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_COMMA_NUMBER = r"^\s*[-+]?\d{1,3}(\.?\d{3})*,\d+\s*$"
_EPOCHS = {"s": 1, "ms": 1_000, "us": 1_000_000}
_EPOCH_YEARS = (946_684_800, 2_208_988_800)  # the years 2000 to 2040, in seconds
_EXAMPLES = 3
_FEW = 30


@dataclass(frozen=True)
class SampledColumn:
    """One column of a sample.

    Attributes:
        name: as the files have it.
        kind: what its values are.
        samples: a few different values, as text.
        distinct: how many different values the sample has.
        filled: the share of rows that have a value, 0 to 1.
        is_text: whether the files hold it as text, as CSV files do.
        format: of a time or day that is text, for `strptime`; `ISO` where DuckDB reads it by itself. Of an epoch its
            unit: s, ms or us.
        comma: whether its numbers have a decimal comma.
        note: what could not be told, in a sentence.
        values: all different values of a column that has few, most frequent first.
    """

    name: str
    kind: Kind
    samples: tuple[str, ...]
    distinct: int
    filled: float
    is_text: bool
    format: str = ISO
    comma: bool = False
    note: str = ""
    values: tuple[str, ...] = ()


def sampled_column(values: pl.Series) -> SampledColumn:
    """What a column's values say."""
    there = values.drop_nulls()
    is_text = values.dtype == pl.String
    nested = values.dtype.is_nested()
    different = there.unique(maintain_order=True) if not nested else there.head(_EXAMPLES)
    kind, format_, comma, note = _kind(there, is_text)
    return SampledColumn(
        values.name,
        kind,
        tuple(str(value) for value in different.head(_EXAMPLES)),
        different.len(),
        there.len() / max(1, values.len()),
        is_text,
        format_,
        comma,
        note,
        _few(there) if is_text else (),
    )


def _few(values: pl.Series) -> tuple[str, ...]:
    counted = values.value_counts(sort=True)
    return tuple(counted[values.name]) if counted.height <= _FEW else ()


def _kind(values: pl.Series, is_text: bool) -> tuple[Kind, str, bool, str]:
    if not values.len():
        return "nothing", ISO, False, ""
    if not is_text:
        if values.dtype.is_numeric():
            unit = _epoch(values)
            return ("epoch", unit, False, "") if unit else ("number", ISO, False, "")
        if values.dtype == pl.Date:
            return "day", ISO, False, ""
        if values.dtype.base_type() == pl.Datetime:
            zone = getattr(values.dtype, "time_zone", None)
            return "time", ISO, False, f"its times are in {zone}" if zone else ""
        return "text", ISO, False, ""
    if values.str.contains(_NUMBER).all():
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
        unit = _epoch(numbers)
        if not unit and values.str.contains(r"^\d{8}$").all() and _reads(values, "%Y%m%d"):
            return "day", "%Y%m%d", False, ""
        return ("epoch", unit, False, "") if unit else ("number", ISO, False, "")
    some_comma = 2 * values.str.contains(_COMMA_NUMBER).sum() > values.len()
    if some_comma and values.str.contains(r"^\s*[-+]?[\d.,]+\s*$").all():
        return "number", ISO, True, ""
    return _time(values)


def _epoch(numbers: pl.Series) -> str:
    """The unit in which all the numbers are moments of the years 2000 to 2040; empty where they are not."""
    first, last = _EPOCH_YEARS
    for unit, times in _EPOCHS.items():
        if numbers.is_between(first * times, last * times).all():
            return unit
    return ""


def _time(values: pl.Series) -> tuple[Kind, str, bool, str]:
    stripped = values.str.strip_chars()
    if all(_ISO_TIME.fullmatch(text) for text in stripped.head(1000)):
        timed = stripped.str.contains(r"\d[ T]\d\d?:\d\d")
        zoned = stripped.str.contains(r"(Z|UTC|[+-]\d\d:?\d\d)$")
        note = "its times name their own offset from UTC" if timed.any() and zoned.any() else ""
        return ("time" if timed.any() else "day"), ISO, False, note
    for clock in _CLOCKS:
        for days, others in ((_DAY_FIRST, _MONTH_FIRST), (_MONTH_FIRST, ()), (_OTHER_DAYS, ())):
            for day in days:
                if _reads(stripped, day + clock):
                    doubtful = [
                        other for other in others if day[2] == other[2] and _reads(stripped, other + clock)
                    ]
                    note = (
                        f"its days can be read as {day} and as {doubtful[0]}; it is read as {day}"
                        if doubtful
                        else ""
                    )
                    return ("time" if clock else "day"), day + clock, False, note
    return "text", ISO, False, ""


def _reads(values: pl.Series, format_: str) -> bool:
    parsed = (
        values.str.to_datetime(format_, strict=False, ambiguous="earliest")
        if "%H" in format_ or "%I" in format_
        else values.str.to_date(format_, strict=False)
    )
    return not parsed.has_nulls()
