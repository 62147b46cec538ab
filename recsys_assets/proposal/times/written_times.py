"""WrittenTimes: the notations of times or days in the texts of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import polars as pl

from recsys_assets.proposal.times.month_names import MONTH_NAMES
from recsys_assets.shop.shop_rules import ZONE, ZONED_TIME

ISO = ""
"""The format of times that DuckDB casts without a pattern."""
EPOCHS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Units of epoch numbers, and how many make a second."""
SPREADSHEET = "spreadsheet"
"""Unit of numbers that are days since the end of 1899, as in spreadsheets."""
_EPOCH_YEARS = (788_918_400, 2_208_988_800)  # the years 1995 to 2040, in seconds
_SPREADSHEET_YEARS = (36_526, 51_501)  # the same in a spreadsheet's days
_NO_YEAR = 9999
_YEARS = (1900, 2100)
"""Range of years of a time; two digits read as four are outside of it."""
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%m-%d-%y")
_OTHER_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d",
    "%Y. %m. %d.", "%A, %B %d, %Y", "%A, %d %B %Y",
    "%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%b %d, %Y", "%d-%b-%y", "%b-%d-%y", "%b-%d-%Y", "%d %B %Y", "%B %d, %Y",
    "%Y年%m月%d日",
)  # fmt: skip
_WHOLE = (
    "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z",
    "%Y-%m-%d %H", "%Y-%m-%d %H:%M:%S,%f", "%G-W%V-%u",
    "%G-W%V-%u %H:%M:%S", "%G-W%V-%uT%H:%M:%S", "%Y-%j %H:%M:%S", "%Y-%jT%H:%M:%S", "%Y-%jT%H:%M:%SZ",
    "%Y-%m-%d-%H.%M.%S.%f", "%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S UTC %Y", "%a %b %d %H:%M:%S GMT %Y",
    "%d-%b-%y %I.%M.%S.%f %p", "%a %b %d %Y %H:%M:%S GMT%z",
    "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%dT%H%M%S%z", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ",
)  # fmt: skip
"""Formats that are not composed of a day and a clock."""
_CLOCKS = (
    "", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %I:%M%p", "T%H:%M:%S", " %H.%M.%S", " %H.%M", " %Hh%M",
    " %H:%M Uhr", " %H:%M:%S Uhr", " %I:%M:%S\u202f%p", " %I:%M\u202f%p", " %H時%M分",
)  # fmt: skip
_BETWEEN = (", ", " - ", " at ", " um ")
"""Separators between a day and its clock other than a blank, as browsers write them in most languages."""
_OF_VALUES = re.compile(r"%.|\s")
"""Pattern of the directives of a format, and of its blanks, which match any number of blanks."""
_STRICTER = {"%B": "[A-Za-z]{4}|(?i:may)", "\u202f%p": "\u202f[APap]", "%M %p": " [APap]", "%S %p": " [APap]"}
"""Patterns that DuckDB's directives require, where those of Polars accept more."""
_DIGITS = r"[0-9][^0-9]*[0-9][^0-9]*[0-9]"
"""Pattern that every time matches: three digits."""
_ISO_TIME = (
    rf"^[0-9]{{4}}-[0-9][0-9]?-[0-9][0-9]?([ T][0-9][0-9]?:[0-9][0-9](:[0-9][0-9](\.[0-9]+)?)?({ZONE})?)?$"
)
_MOST_WAYS = 5
_NO_DAYS = pl.Series([1900, 1970], dtype=pl.Int32)
"""Years whose first day is a placeholder for no time, as are all earlier days."""
BROWSERS_ZONE = r" ?\(.*\)$"
DIGITS_OF_A_TIME = r"^([0-9]{8}|[0-9]{12}|[0-9]{14})$"
"""A day, or a day with its clock, written as one number: 20240131, 202401310930."""


@dataclass(frozen=True)
class WrittenTimes:
    """Notation of times.

    Attributes:
        formats: that parse them, the most frequent first: formats of `strptime`, `ISO`, a unit of `EPOCHS`, or one of
            `MONTH_NAMES`.
        has_clock: whether any of them has a time of day.
        read: number of values that they parse.
        note: an uncertain guess, in a sentence.
        first_year: year of the earliest of them, or a later one.
    """

    formats: tuple[str, ...]
    has_clock: bool
    read: int
    note: str = ""
    first_year: int = _NO_YEAR


def epoch_unit(numbers: pl.Series) -> str:
    """The unit in which all the numbers are times of the years 1995 to 2040; empty if there is none."""
    first, last = _EPOCH_YEARS
    return next(
        (unit for unit, times in EPOCHS.items() if numbers.is_between(first * times, last * times).all()), ""
    )


def numbered_times(numbers: pl.Series) -> WrittenTimes | None:
    """Notation of numeric times in a column named like a time; None if more than half of the numbers are no times.

    Args:
        numbers: of seconds, milliseconds and so on since 1970, mixed or not, or of a spreadsheet's days.
    """
    first, last = _EPOCH_YEARS
    masks = {
        unit: numbers.is_between(first * times, last * times).fill_null(False)
        for unit, times in EPOCHS.items()
    }
    masks[SPREADSHEET] = numbers.is_between(*_SPREADSHEET_YEARS).fill_null(False)
    counts = {unit: int(mask.sum()) for unit, mask in masks.items() if mask.any()}
    read = sum(counts.values())
    if 2 * read <= numbers.len():
        return None
    units = tuple(sorted(counts, key=lambda unit: -counts[unit]))
    first = min(year_of(numbers.filter(mask), unit) for unit, mask in masks.items() if mask.any())
    return WrittenTimes(units, True, read, _note(units, read, numbers.len()), first)


def year_of(numbers: pl.Series, unit: str) -> int:
    """The year of the earliest of some epoch numbers."""
    least = float(numbers.min())  # pyright: ignore[reportArgumentType]
    seconds = (least - 25_569) * 86_400 if unit == SPREADSHEET else least / EPOCHS[unit]
    return datetime.fromtimestamp(seconds, timezone.utc).year


def written_times(texts: pl.Series) -> WrittenTimes | None:
    """Notation of times in texts; None if more than half of them are no times.

    A single format that parses all is preferred. Otherwise several are combined, but never one with the month first and
    one with the day first.
    """
    stripped = texts.str.strip_chars()
    if 2 * int(stripped.str.contains(_DIGITS).sum()) <= stripped.len():
        return None
    iso = stripped.str.contains(_ISO_TIME)
    if iso.all():
        return _of_iso(stripped)
    clocks = _clocks(stripped)
    whole = [
        day + clock
        for clock in clocks
        for day in _possible((*_DAY_FIRST, *_MONTH_FIRST, *_OTHER_DAYS), stripped)
        if _read(stripped, day + clock).all()
    ] or [way for way in (*_possible(_WHOLE, stripped), *_named(stripped)) if _read(stripped, way).all()]
    if whole:
        # of several readings that of the fewest days: files hold what happened from one day to the next
        best = min(whole, key=lambda way: (_days(stripped, way), whole.index(way)))
        first = earliest_year(_parsed(stripped, best).dt.year())
        return WrittenTimes((best,), _has_clock(best), stripped.len(), _doubt(best, whole, stripped), first)
    return _mixed(stripped, iso)


def _named(texts: pl.Series) -> list[str]:
    """Notations with the name of a month, if some of the texts may have one."""
    return [*MONTH_NAMES] if texts.str.contains(r"[0-9]\PN*\pL{3}\PN*[0-9]").any() else []


def _clocks(texts: pl.Series) -> list[str]:
    """Formats of times of day that may follow a day in some of the texts; the empty one is among them."""
    there = [sign for sign in _BETWEEN if texts.str.contains(rf"{sign}[0-9]?[0-9]:[0-9][0-9]").any()]
    clocks = _possible(_CLOCKS, texts)
    return [*clocks, *(sign + clock[1:] for sign in there for clock in clocks if clock[:1] == " ")]


def _possible(ways: Sequence[str], texts: pl.Series) -> list[str]:
    """The formats whose literal signs, such as the points between day, month and year, occur in the texts."""
    signs = {*"".join(texts.drop_nulls())}
    return [way for way in ways if {*_OF_VALUES.sub("", way)} <= signs]


def _of_iso(texts: pl.Series) -> WrittenTimes:
    timed, zoned = texts.str.contains(r"[0-9][ T][0-9][0-9]?:[0-9][0-9]"), texts.str.contains(ZONED_TIME)
    some, every = bool((timed & zoned).any()), bool(zoned.all())
    note = (
        "its times name their own offset or zone, and days are those of UTC until time_zone in source.toml names the "
        "shop's clock"
        if some
        else ""
    )
    if some and not every:
        note = "some of its times name an offset or a zone, the others are by the clock of time_zone in source.toml"
    first = earliest_year(texts.str.slice(0, 4).cast(pl.Int32))
    return WrittenTimes((ISO,), bool(timed.any()), texts.len(), note, first)


def earliest_year(years: pl.Series) -> int:
    """The earliest year of some times; 9999 if all of them are placeholders for no time."""
    plausible = years.filter((years >= _YEARS[0]) & ~years.is_in(_NO_DAYS))
    return int(plausible.min() or _NO_YEAR)  # pyright: ignore[reportArgumentType]


def _doubt(best: str, whole: list[str], texts: pl.Series) -> str:
    moments = _parsed(texts, best)
    others = [way for way in whole if way != best and not _parsed(texts, way).equals(moments)]
    return f"its days can be read as {best} and as {others[0]}; it is read as {best}" if others else ""


def _days(texts: pl.Series, way: str) -> int:
    """Number of days between the first and the last."""
    days = _parsed(texts, way).cast(pl.Date)
    return (days.max() - days.min()).days  # pyright: ignore[reportOperatorIssue, reportOptionalOperand, reportAttributeAccessIssue]


def _has_clock(way: str) -> bool:
    return "%H" in way or "%I" in way or "HH" in way or way in EPOCHS


def _mixed(texts: pl.Series, iso: pl.Series) -> WrittenTimes | None:
    """Several formats, chosen greedily: each parses the most of the remaining texts."""
    clocks = _clocks(texts)
    masks = {ISO: iso, **{unit: mask for unit, mask in _epochs(texts)}}
    day_first, month_first, others = (
        {day + clock: _read(texts, day + clock) for day in _possible(days, texts) for clock in clocks}
        for days in (_DAY_FIRST, _MONTH_FIRST, _OTHER_DAYS)
    )
    is_month_first = _any(month_first, texts).sum() > _any(day_first, texts).sum()
    masks |= month_first if is_month_first else day_first
    masks |= others
    masks |= {way: _read(texts, way) for way in (*_possible(_WHOLE, texts), *_named(texts))}
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
    has_clock = any(map(_has_clock, chosen)) or (
        ISO in chosen and bool((iso & texts.str.contains(r"[0-9][ T][0-9][0-9]?:[0-9][0-9]")).any())
    )
    opposite = day_first if is_month_first else month_first
    doubts = [
        _note(chosen, read, texts.len()),
        _doubt_of_order(texts, chosen, _any(opposite, texts) & left, masks),
    ]
    return WrittenTimes(tuple(chosen), has_clock, read, "; ".join(filter(None, doubts)))


def _doubt_of_order(
    texts: pl.Series, chosen: Sequence[str], otherwise: pl.Series, masks: Mapping[str, pl.Series]
) -> str:
    """A doubt where some dates have the day first and others the month, so that many can be read in both ways.

    Args:
        texts: of the times.
        chosen: the formats that parse them.
        otherwise: mask of those that only the opposite order parses.
        masks: format → mask of the texts that it parses.
    """
    ordered = [way for way in chosen if re.match("%[dm](.)%[dm]", way)]
    if not ordered:
        return ""
    if otherwise.any():
        return (
            f"{int(otherwise.sum())} of its values are days only with day and month in another order than in "
            f"{ordered[0]}, as {texts.filter(otherwise)[0]}, so values that both orders read may be of another day"
        )
    if len(ordered) < 2:
        return ""
    return "; ".join(
        f"every value read as {way} is a day as {swapped}, too"
        for way in ordered
        if _read(texts.filter(masks[way]), swapped := _swapped(way)).all()
    )


def _swapped(way: str) -> str:
    """A format with day and month in the opposite order."""
    return way.translate({ord("d"): "m", ord("m"): "d"}) if way[:2] in ("%d", "%m") else way


def _note(ways: Sequence[str], read: int, values: int) -> str:
    """Note for a person on several notations, and on values that none parses."""
    words = ", ".join(_WORDS.get(way, way) for way in ways)
    notes = [f"its times are written in several ways, which are read as {words}"] if len(ways) > 1 else []
    if SPREADSHEET in ways and len(ways) == 1:
        notes.append(f"its numbers are read as {words}")
    if read < values:
        notes.append(f"{values - read} of {values} values are not read as times")
    return "; ".join(notes)


_WORDS: dict[str, str] = {
    ISO: "ISO 8601",
    "s": "epoch seconds",
    "ms": "epoch milliseconds",
    "us": "epoch microseconds",
    "ns": "epoch nanoseconds",
    SPREADSHEET: "days as a spreadsheet counts them",
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
    """Mask of the texts that a format parses."""
    read = _parsed(texts, format_).dt.year().is_between(*_YEARS).fill_null(False)
    for sign, pattern in _STRICTER.items():
        if sign in format_:
            read &= texts.str.contains(pattern)
    return read


def _parsed(texts: pl.Series, format_: str) -> pl.Series:
    if format_ in MONTH_NAMES:
        return MONTH_NAMES[format_].read(texts)
    if format_.endswith("GMT%z"):  # browsers write the zone's name behind its offset
        texts = texts.str.replace(BROWSERS_ZONE, "")
    if format_.endswith(" %H"):  # a minute is needed here
        texts, format_ = texts + ":00", f"{format_}:%M"
    if format_.endswith(" %Z"):  # names of zones are not known here; other ones than these are doubtful
        texts, format_ = texts.str.replace(" (GMT|UTC)$", " +0000"), format_.replace("%Z", "%z")
    if format_.endswith(",%f"):
        texts, format_ = texts.str.replace(",", ".", literal=True), format_.replace(",%f", "%.f")
    format_ = format_.replace(".%f", "%.f")
    if _has_clock(format_):
        return texts.str.to_datetime(format_, strict=False, ambiguous="earliest")
    return texts.str.to_date(format_, strict=False)


EPOCH_PATTERNS = {
    "s": r"[0-9]{9,10}(\.[0-9]+)?",
    "ms": r"[0-9]{12,13}(\.0*)?",
    "us": r"[0-9]{15,16}(\.0*)?",
    "ns": "[0-9]{18,19}",
    SPREADSHEET: r"[345][0-9]{4}([.,][0-9]+)?",
}
"""Patterns for the whole text of an epoch number of the years 2000 to 2040, by its unit."""
