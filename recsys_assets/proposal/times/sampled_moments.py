"""Times spread over several columns of a sample, matched by their names and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from recsys_assets.proposal.names.known_names import rank_of
from recsys_assets.proposal.sample.sampled_column import SampledColumn, sampled_column
from recsys_assets.proposal.times.written_moment import MIDNIGHT, SPREADSHEET_DAY, Unit, WrittenMoment
from recsys_assets.proposal.times.written_times import ISO
from recsys_lineage.lake.engine import Engine
from recsys_lineage.sql.names import quote

_WORDS: Mapping[Unit, tuple[str, ...]] = {
    "day": ("date", "day", "datum", "fecha", "dia", "jour", "data", "tag", "dt", "dat"),
    "clock": (
        "timeofday",
        "time",
        "clock",
        "uhrzeit",
        "zeit",
        "heure",
        "hora",
        "tijd",
        "ora",
        "tm",
        "zet",
        "uhr",
    ),
    "year": ("year", "yr", "yyyy", "jahr", "annee", "année", "ano", "año", "anno", "jaar"),
    "month": ("monthnumber", "month", "mon", "mm", "monat", "mois", "mes", "mese", "maand"),
    "day of month": ("dayofmonth", "day", "dd", "tag", "jour", "dia", "día", "giorno", "dag"),
    "hour": ("hourofday", "hour", "hr", "hh", "stunde", "heure", "hora", "ora", "uur"),
    "minute": ("minute", "minuten", "minuto", "minuut", "min", "mi"),
    "second": ("second", "sekunde", "seconde", "segundo", "sec", "ss"),
}
"""Column names for the parts of a timestamp, alone or combined with a word such as `order`."""
_LIMITS: Mapping[Unit, tuple[int, int]] = {
    "year": (1990, 2100),
    "month": (1, 12),
    "day of month": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
_CLOCK = (
    SPREADSHEET_DAY.replace("^(", "^((")
    + r")?[0-9]?[0-9]:[0-9][0-9](:[0-9][0-9](\.[0-9]+)?)?( ?[AaPp][Mm])?$"
)
_DIGITS = r"^([01]?[0-9]|2[0-3])?[0-5]?[0-9](\.0+)?$"
_MORE_DIGITS = r"^(([01]?[0-9]|2[0-3])?[0-5]?[0-9])?[0-5]?[0-9](\.0+)?$"
_OFFSETS = (
    "offset", "utcoffset", "tzoffset", "timezoneoffset", "gmtoffset", "tz", "timezone", "zone", "zeitzone",
)  # fmt: skip
_OFFSET = r"^(Z|UTC|[+-][0-9][0-9](:?[0-9][0-9])?)$"
_ZONED = r"(Z|UTC|[+-][0-9][0-9]:?[0-9][0-9])$"
_OF_AN_EVENT = (
    "", "order", "invoice", "transaction", "trans", "purchase", "sale", "sales", "event", "created", "creation",
    "receipt", "bestell", "kauf", "rechnungs", "beleg", "bon", "ticket", "visit", "click",
)  # fmt: skip
"""Words that may be combined with the word for a clock when the day's column has no such word or another one."""

_OF_A_DOCUMENT = frozenset({"er", "erf", "au", "fk", "bu", "cpu", "en"})
"""Letters before the words of SAP for the day of a document, and for the day and the clock of its entry."""
_MOSTLY = 0.9


def written_moments(
    frame: pl.DataFrame, columns: Sequence[SampledColumn]
) -> tuple[list[SampledColumn], list[str]]:
    """Times spread over several columns, as columns of text, and doubts, in sentences.

    A day and the clock with the same name, or the only clock, or the clock of a day that is nearly always the same;
    else a year, a month and a day of one name. Hours, minutes and seconds of the same name are added to either.
    """
    values = {column.name: _texts(frame[column.name]) for column in columns if column.kind != "nothing"}
    days = [c for c in columns if c.kind == "day" or (c.kind == "time" and _all(values[c.name], MIDNIGHT))]
    clocks = {name: stem for name, texts in values.items() if (stem := _clock_stem(name, texts)) is not None}
    notes: list[str] = []
    found: list[WrittenMoment] = []
    for day in days:
        stem = _stem(day.name, "day")
        fitting = [name for name, other in clocks.items() if other == stem]
        if not fitting and len(days) == 1:
            fitting = [
                name
                for name, other in clocks.items()
                if ({stem, other} & {""} and other in _OF_AN_EVENT) or {stem, other} <= _OF_A_DOCUMENT
            ]
        if not fitting:
            fitting = [
                name
                for name, other in clocks.items()
                for twin in days
                if twin is not day
                and _stem(twin.name, "day") == other
                and _nearly_equal(frame, day.name, twin.name)
            ]
        if len(fitting) == 1:
            digits = _digits_of(values[fitting[0]])
            bare = not digits and all(_is_bare(frame[name]) for name in (day.name, fitting[0]))
            found.append(WrittenMoment((("day", day.name), ("clock", fitting[0])), digits, bare))
        elif len(fitting) > 1:
            notes.append(
                f"the columns {', '.join(fitting)} hold times of day; it is not clear which belongs to {day.name}"
            )
        elif (clock := [*_clock_of_numbers(values, stem or "")]) and stem is not None:
            found.append(WrittenMoment((("day", day.name), *clock)))
    found += _with_offset(columns, values)
    if not found and not days:
        found += _of_numbers(values)
    return [_column(frame, moment) for moment in found], notes


def is_part_of_a_moment(name: str) -> bool:
    """Whether a column is called like a part of a time alone, as `year`, `month` and `hour` are."""
    return any(_stem(name, unit) == "" for unit in _LIMITS)


def _nearly_equal(frame: pl.DataFrame, one: str, two: str) -> bool:
    """Whether two columns of days hold the same day in nearly all rows, as those of an order and of its entry do."""
    both = frame.select(pl.col(one), pl.col(two)).drop_nulls()
    return both.height > 0 and int((both[one] == both[two]).sum()) >= _MOSTLY * both.height


def _with_offset(
    columns: Sequence[SampledColumn], values: Mapping[str, pl.Series]
) -> Iterator[WrittenMoment]:
    """Times without a zone, combined with the only column of offsets from UTC."""
    offsets = [
        name for name, texts in values.items() if rank_of(name, _OFFSETS) is not None and _all(texts, _OFFSET)
    ]
    if len(offsets) != 1:
        return
    for column in columns:
        if column.kind == "time" and column.formats == (ISO,) and not _any(values[column.name], _ZONED):
            yield WrittenMoment((("day", column.name), ("offset", offsets[0])), is_bare=True)


def _of_numbers(values: Mapping[str, pl.Series]) -> Iterator[WrittenMoment]:
    """Times from a year, a month and a day, and other columns of the same name."""
    for stem in dict.fromkeys(stem for name in values if (stem := _stem(name, "year")) is not None):
        units: tuple[Unit, ...] = ("year", "month", "day of month")
        parts: list[tuple[Unit, str]] = [
            (unit, name) for unit in units if (name := _of_unit(values, unit, stem)) is not None
        ]
        if len(parts) < len(units):
            continue
        clocks = [name for name, texts in values.items() if _clock_stem(name, texts) == stem]
        if len(clocks) == 1:
            yield WrittenMoment((*parts, ("clock", clocks[0])), _digits_of(values[clocks[0]]))
        else:
            yield WrittenMoment((*parts, *_clock_of_numbers(values, stem)))


def _clock_of_numbers(values: Mapping[str, pl.Series], stem: str) -> Iterator[tuple[Unit, str]]:
    """Columns of hours, minutes and seconds, up to the first one that is missing."""
    units: tuple[Unit, ...] = ("hour", "minute", "second")
    for unit in units:
        name = _of_unit(values, unit, stem)
        if name is None:
            return
        yield unit, name


def _of_unit(values: Mapping[str, pl.Series], unit: Unit, stem: str) -> str | None:
    """The column whose name and values fit a unit."""
    first, last = _LIMITS[unit]
    for name, texts in values.items():
        if _stem(name, unit) != stem:
            continue
        numbers = texts.cast(pl.Float64, strict=False)
        if (
            numbers.is_between(first, last).all()
            and (numbers == numbers.round()).all()
            and not numbers.has_nulls()
        ):
            return name
    return None


def _clock_stem(name: str, texts: pl.Series) -> str | None:
    """Subject of a column of times of day, such as `order`, by its name; None if it has none."""
    stem = _stem(name, "clock")
    if stem is None or not (_all(texts, _CLOCK) or _digits_of(texts)):
        return None
    return stem


def _digits_of(texts: pl.Series) -> int:
    """Largest number of digits of a clock that is a plain number, 4 or 6; 0 for another notation."""
    if _all(texts, _DIGITS):
        return 4
    return 6 if _all(texts, _MORE_DIGITS) else 0


def _stem(name: str, unit: Unit) -> str | None:
    """A name without the unit's word at its end or its start, in lower case; None if it has none."""
    plain = re.sub(r"[\W_]+", "", name.casefold())
    for word in _WORDS[unit]:
        if plain.endswith(word):
            return plain.removesuffix(word)
        if plain.startswith(word):
            return plain.removeprefix(word)
    return None


def _texts(values: pl.Series) -> pl.Series:
    if values.dtype.is_nested():
        return pl.Series(values.name, [], pl.String)
    return values.drop_nulls().cast(pl.String, strict=False).drop_nulls().str.strip_chars()


def _is_bare(values: pl.Series) -> bool:
    """Whether the values of a column of days or clocks have no blanks around them, and no midnight or spreadsheet
    day."""
    texts = values.cast(pl.String, strict=False).drop_nulls()
    return not texts.str.contains(rf"^\s|\s$|{MIDNIGHT}|{SPREADSHEET_DAY}").any()


def _any(texts: pl.Series, pattern: str) -> bool:
    return bool(texts.str.contains(pattern).any())


def _all(texts: pl.Series, pattern: str) -> bool:
    return texts.len() > 0 and bool(texts.str.contains(pattern).all())


def _column(frame: pl.DataFrame, moment: WrittenMoment) -> SampledColumn:
    with Engine("512MB").connect(folders=[]) as connection:
        connection.register("sample", frame.select(moment.names))
        # where neither has a value the text is empty
        texts = connection.sql(f"SELECT nullif({moment.sql(quote)}, '') AS moment FROM sample").pl()["moment"]
    return replace(sampled_column(texts.alias(", ".join(moment.names))), written=moment)
