"""WrittenTimes: in which ways the texts of a column write moments or days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

ISO = ""
"""The format of times that DuckDB reads by itself."""
EPOCHS = {"s": 1, "ms": 1_000, "us": 1_000_000}
"""Units of numbers that are moments, and how many make a second."""
_EPOCH_YEARS = (946_684_800, 2_208_988_800)  # the years 2000 to 2040, in seconds
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_OTHER_DAYS = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S")
_ISO_TIME = r"^\d{4}-\d\d?-\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)?$"
_MOST_WAYS = 5


@dataclass(frozen=True)
class WrittenTimes:
    """How times are written.

    Attributes:
        formats: what reads them, the commonest first: formats of `strptime`, `ISO`, or a unit of `EPOCHS`.
        has_clock: whether any of them has more than a day.
        read: how many of the values they read.
        note: what could not be told, in a sentence.
    """

    formats: tuple[str, ...]
    has_clock: bool
    read: int
    note: str = ""


def epoch_unit(numbers: pl.Series) -> str:
    """The unit in which all the numbers are moments of the years 2000 to 2040; empty where they are not."""
    first, last = _EPOCH_YEARS
    return next(
        (unit for unit, times in EPOCHS.items() if numbers.is_between(first * times, last * times).all()), ""
    )


def written_times(texts: pl.Series) -> WrittenTimes | None:
    """How texts write times; None where more than half of them are none.

    One way that reads all is preferred. Where there is none, several ways are put together, of which none has the
    month first and another one the day.
    """
    stripped = texts.str.strip_chars()
    iso = stripped.str.contains(_ISO_TIME)
    if iso.all():
        return _of_iso(stripped)
    for days, others in ((_DAY_FIRST, _MONTH_FIRST), (_MONTH_FIRST, ()), (_OTHER_DAYS, ())):
        for clock in _CLOCKS:
            for day in days:
                if _read(stripped, day + clock).all():
                    doubtful = [
                        other
                        for other in others
                        if day[2] == other[2] and _read(stripped, other + clock).all()
                    ]
                    return WrittenTimes((day + clock,), bool(clock), stripped.len(), _doubt(day, doubtful))
    return _mixed(stripped, iso)


def _of_iso(texts: pl.Series) -> WrittenTimes:
    timed, zoned = texts.str.contains(r"\d[ T]\d\d?:\d\d"), texts.str.contains(r"(Z|UTC|[+-]\d\d:?\d\d)$")
    some, every = bool((timed & zoned).any()), bool(zoned.all())
    note = "its times name their own offset from UTC" if some else ""
    if some and not every:
        note = "some of its times name an offset from UTC, the others are by the clock of time_zone in source.toml"
    return WrittenTimes((ISO,), bool(timed.any()), texts.len(), note)


def _doubt(day: str, doubtful: list[str]) -> str:
    return f"its days can be read as {day} and as {doubtful[0]}; it is read as {day}" if doubtful else ""


def _mixed(texts: pl.Series, iso: pl.Series) -> WrittenTimes | None:
    """Several ways together, each time the one that reads most of what is left."""
    masks = {ISO: iso, **{unit: mask for unit, mask in _epochs(texts)}}
    day_first = {day + clock: _read(texts, day + clock) for day in _DAY_FIRST for clock in _CLOCKS}
    month_first = {day + clock: _read(texts, day + clock) for day in _MONTH_FIRST for clock in _CLOCKS}
    is_month_first = _any(month_first, texts).sum() > _any(day_first, texts).sum()
    masks |= month_first if is_month_first else day_first
    masks |= {day + clock: _read(texts, day + clock) for day in _OTHER_DAYS for clock in _CLOCKS}
    left = pl.repeat(True, texts.len(), eager=True)
    chosen: list[str] = []
    while len(chosen) < _MOST_WAYS and left.any():
        best = max(masks, key=lambda way: int((masks[way] & left).sum()))
        if not (masks[best] & left).any():
            break
        chosen.append(best)
        left &= ~masks[best]
    read = texts.len() - int(left.sum())
    if 2 * read <= texts.len():
        return None
    ways = ", ".join(_WORDS.get(way, way) for way in chosen)
    note = f"its times are written in several ways, which are read as {ways}" if len(chosen) > 1 else ""
    if read < texts.len():
        rest = f"{texts.len() - read} of {texts.len()} values are read as no time"
        note = f"{note}; {rest}" if note else rest
    has_clock = any("%H" in way or "%I" in way or way in EPOCHS for way in chosen) or (
        ISO in chosen and bool((iso & texts.str.contains(r"\d[ T]\d\d?:\d\d")).any())
    )
    return WrittenTimes(tuple(chosen), has_clock, read, note)


_WORDS: dict[str, str] = {
    ISO: "ISO 8601",
    "s": "epoch seconds",
    "ms": "epoch milliseconds",
    "us": "epoch microseconds",
}


def _epochs(texts: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    first, last = _EPOCH_YEARS
    numbers = texts.cast(pl.Float64, strict=False)
    for unit, times in EPOCHS.items():
        yield unit, numbers.is_between(first * times, last * times).fill_null(False)


def _any(masks: dict[str, pl.Series], texts: pl.Series) -> pl.Series:
    found = pl.repeat(False, texts.len(), eager=True)
    for mask in masks.values():
        found |= mask
    return found


def _read(texts: pl.Series, format_: str) -> pl.Series:
    """Which of the texts a format reads."""
    parsed = (
        texts.str.to_datetime(format_, strict=False, ambiguous="earliest")
        if "%H" in format_ or "%I" in format_
        else texts.str.to_date(format_, strict=False)
    )
    return parsed.is_not_null()


EPOCH_PATTERNS = {"s": r"[0-9]{9,10}(\.[0-9]+)?", "ms": "[0-9]{12,13}", "us": "[0-9]{15,16}"}
"""Patterns for the whole text of a moment of the years 2000 to 2040, by its unit."""
