"""SampledColumn: properties of one column of a shop's files, from a sample of rows."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from recsys_assets.proposal.formats.other_digits import in_ascii, other_signs
from recsys_assets.proposal.formats.written_numbers import (
    ACCOUNTED,
    IN_DOUBT,
    NUMBER,
    NUMBER_AFFIXES,
    OF_OTHERS,
    WITH_COMMA,
    WITH_POINT,
    WITHOUT_CENTS,
    decimal_sign,
    doubtful,
    signs_of,
)
from recsys_assets.proposal.names.known_names import EVENT, IDS, known_role, parts_of, role_rank
from recsys_assets.proposal.times.written_moment import MomentInPath, WrittenMoment
from recsys_assets.proposal.times.written_times import (
    DIGITS_OF_A_TIME,
    EPOCHS,
    ISO,
    earliest_year,
    epoch_unit,
    numbered_times,
    written_times,
    year_of,
)
from recsys_assets.shop.alike_ids import alike_ids
from recsys_assets.shop.shop_rules import SCIENTIFIC

Kind = Literal["text", "number", "time", "epoch", "day", "nothing"]
_CODE = r"^([A-Za-z]+-?[0-9]+|[0-9]+[A-Za-z]+)$"
"""Pattern of a code such as SKU-023 and 84029G, whose letters are no currency."""
_NUMBERS = ("quantity", "unit_price", "amount", "discount")
_MONEY = ("unit_price", "amount", "discount")
_LETTER, _NUMBERED = re.compile(r"[^\W\d_]"), re.compile(r"[^\W\d_]\s+\d")
_OF_CODES = re.compile(
    r"^(?!.*(?i:date|time|day|stamp|datum|fecha|jour)).*(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:ids?|code|key|no|nr|num|number|nummer|numero|uuid|ean|gtin|upc|phone|tel|telefon|mobile|fax|zip|plz)\W*$"
)
"""Pattern of the names of columns that hold codes, such as `cart no` and `cartNo`, but `DateKey`."""
_MAIL = re.compile(r"\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*")
_SPELLINGS = {"zeros": "0[0-9]+", "points": r"[0-9]+\.0+"}
_EXAMPLES = 3
_A_DAY = 86_400
_COMPARED = 500
_FEW = 30


@dataclass(frozen=True)
class SampledColumn:
    """One column of a sample.

    Attributes:
        name: its name in the files.
        kind: of its values.
        samples: a few different values, as text.
        distinct: number of different values in the sample.
        filled: share of rows that have a value, 0 to 1.
        is_text: whether the files hold it as text, as CSV files do.
        formats: of a time or day, its notations (`WrittenTimes`); of an epoch, its units, such as ms.
        comma: whether its numbers have a decimal comma.
        thousands: whether its numbers have commas between thousands; with `comma`, some have one and some the other.
        decorated: whether its numbers have currencies or blanks around them.
        accounted: whether some negative numbers are in brackets or before their minus, as accountants write.
        sign: the certain decimal sign of its numbers, `.` or `,`; empty if none has one, or it may be either.
        note: an uncertain guess, in a sentence.
        first_year: year of the earliest of its times, or a later one; 9999 if none was found.
        values: all different values, most frequent first, if there are few.
        most: the most frequent value, as text.
        counts: numbers of rows with it and with the next one.
        is_whole: whether it holds only whole numbers.
        is_nested: whether its values are lists or records.
        alike: groups of ids that are probably one, such as `a7` and `A7`; only in columns named like ids.
        written: the columns of the files that hold it together, if several do, or their path; its name joins theirs
            with commas.
        exact_to: the number up to which its type holds every whole number, if some of its values are larger; else 0.
        shortened: an id that a spreadsheet shortened, such as `4.00638E+12`; empty if there is none.
        spelling: `zeros` if some of its values are numbers with zeros before them, `points` if some end with `.0`.
        some: hashes of some of its values, of the same ones where another column has these too.
        scale: the column that scales its whole numbers, as `divisor` does beside `amount`; empty if there is none.
        scaled_by: whether that one holds divisors such as 100, numbers of digits behind the point such as 2, or the
            billionths of a unit that are added to the whole ones.
        signs: digits of other scripts in its numbers or times, with the signs among them; the SQL writes them in ASCII.
    """

    name: str
    kind: Kind
    samples: tuple[str, ...]
    distinct: int
    filled: float
    is_text: bool
    formats: tuple[str, ...] = (ISO,)
    comma: bool = False
    thousands: bool = False
    decorated: bool = False
    accounted: bool = False
    sign: str = ""
    note: str = ""
    first_year: int = 9999
    values: tuple[str, ...] = ()
    most: str = ""
    counts: tuple[int, ...] = ()
    is_whole: bool = False
    is_nested: bool = False
    alike: tuple[tuple[str, ...], ...] = ()
    written: WrittenMoment | MomentInPath | None = None
    exact_to: int = 0
    shortened: str = ""
    spelling: str = ""
    signs: str = ""
    scale: str = ""
    scaled_by: Literal["", "divisor", "digits", "nanos"] = ""
    some: frozenset[int] = frozenset()

    @property
    def has_words(self) -> bool:
        """Whether its values are words with blanks, like names of people and titles, unlike ids."""
        return self.kind == "text" and bool(self.samples) and all(map(_is_of_words, self.samples))

    @property
    def are_mails(self) -> bool:
        """Whether its values are mail addresses, whose case does not matter."""
        return self.is_text and bool(self.samples) and all(map(_MAIL.fullmatch, self.samples))

    @property
    def has_points(self) -> bool:
        """Whether its values look like numbers with fractions, as ids of visitors do: `1204.204`, and no `1204.0`."""
        return self.kind == "number" and any(
            re.fullmatch(r"[0-9]+\.[0-9]*[1-9][0-9]*", text) for text in self.samples
        )

    @property
    def is_unnamed(self) -> bool:
        """Whether the files have no name for the column."""
        return re.fullmatch(r"column_\d+", self.name) is not None

    @property
    def parts(self) -> int:
        """Number of its parts that make a unit, as its name says: 100 of cents; 1 if it says nothing."""
        return parts_of(self.name) if self.kind == "number" else 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files' columns that it comes from."""
        scales = (self.scale,) if self.scale else ()
        return (self.name, *scales) if self.written is None else self.written.names


def sampled_column(values: pl.Series) -> SampledColumn:
    """Properties of a column, from its sampled values."""
    there = values.drop_nulls()
    is_text = values.dtype == pl.String
    nested = values.dtype.is_nested()
    different = there.unique(maintain_order=True) if not nested else there.head(_EXAMPLES)
    counted = _counted(there)
    signs = other_signs(there) if is_text else ""
    plain = in_ascii(there, signs)
    found = SampledColumn(
        values.name,
        "text",
        tuple(str(value) for value in different.head(_EXAMPLES)),
        different.len(),
        there.len() / max(1, values.len()),
        is_text,
        values=tuple(map(str, counted["value"])) if counted.height <= _FEW else (),
        most=str(counted["value"][0]) if counted.height else "",
        counts=tuple(counted["count"].head(2)),
        is_whole=_are_whole(there, plain),
        is_nested=nested,
        alike=tuple(alike_ids(different)) if is_text and known_role(values.name) in IDS else (),
        exact_to=_exact_to(there),
        shortened=_first_like(SCIENTIFIC, different) if is_text else "",
        spelling=_spelling(different),
        some=_some_of(different) if not nested else frozenset(),
    )
    guess = _of_text(found, plain) if is_text and there.len() else _of_type(found, there)
    guess = _of_moments(guess, plain) if guess.kind == "number" else guess
    return replace(guess, signs=signs) if guess.kind != "text" else guess


def _are_whole(values: pl.Series, plain: pl.Series) -> bool:
    if values.dtype == pl.String:
        return values.len() > 0 and bool(plain.str.contains(r"^\s*-?[0-9]+\s*$").all())
    return values.len() > 0 and values.dtype.is_integer()


def _some_of(values: pl.Series) -> frozenset[int]:
    """The smallest hashes of different values, whichever way a number among them is written."""
    texts = values.cast(pl.String, strict=False).str.strip_chars().str.replace(r"\.0+$", "")
    plain = texts.str.replace("^0+([0-9])", "${1}")
    return frozenset(plain.hash().sort().head(_COMPARED))


def _spelling(values: pl.Series) -> str:
    if values.dtype != pl.String:
        return "points" if values.dtype.is_float() else ""
    return next((way for way, pattern in _SPELLINGS.items() if _first_like(pattern, values)), "")


def _first_like(pattern: str, texts: pl.Series) -> str:
    """The first text that matches a pattern as a whole; empty if none does."""
    found = texts.filter(texts.str.contains(rf"^\s*({pattern})\s*$"))
    return str(found[0]) if found.len() else ""


def _exact_to(values: pl.Series) -> int:
    """The number up to which floating-point values are exact, if some are larger; 0 otherwise."""
    most = {pl.Float32: 1 << 24, pl.Float64: 1 << 53}.get(values.dtype.base_type(), 0)
    return most if most and bool((values.is_finite() & (values.abs() >= most)).any()) else 0


def _of_moments(column: SampledColumn, values: pl.Series) -> SampledColumn:
    """A column of numbers as one of times, if it is named like a time and its numbers can be times."""
    if role_rank("event_time", column.name, EVENT["event_time"]) is None:
        return column
    if (
        not column.is_text
        and values.dtype.is_integer()
        and (found := _in_digits(column, values.cast(pl.String)))
    ):
        return found
    numbers = values.str.replace(",", ".", literal=True) if column.is_text else values
    times = numbered_times(numbers.cast(pl.Float64, strict=False))
    return (
        replace(column, kind="epoch", formats=times.formats, note=times.note, first_year=times.first_year)
        if times
        else column
    )


def _of_epochs(column: SampledColumn, texts: pl.Series) -> SampledColumn:
    """A column of epoch numbers, with a note on those that lost their last digits."""
    lost = bool(texts.str.contains("[eE]").any())
    note = "its numbers are written like 1.7E+12, so the last digits of its times are lost" if lost else ""
    numbers = texts.cast(pl.Float64, strict=False)
    unit = epoch_unit(numbers)
    return replace(column, kind="epoch", formats=(unit,), note=note, first_year=year_of(numbers, unit))


def _is_named_otherwise(column: SampledColumn) -> bool:
    """Whether a column is called like one that holds no times, such as orders."""
    role = known_role(column.name)
    return role not in ("event_time", "start_day", "end_day") and (
        role is not None or _OF_CODES.search(column.name) is not None
    )


def _unit_of_moments(column: SampledColumn, numbers: pl.Series) -> str:
    """The unit in which numbers are times; empty if they are no times, or probably codes.

    Where the name says nothing, such numbers are times only if they are past and do not follow one another.
    """
    unit = "" if _is_named_otherwise(column) else epoch_unit(numbers)
    if not unit or known_role(column.name) is not None:
        return unit
    least, most = float(numbers.min()), float(numbers.max())  # pyright: ignore[reportArgumentType]
    is_past = most / EPOCHS[unit] < time.time() + _A_DAY
    return unit if is_past and 2 * column.distinct <= most - least + 1 else ""


def _counted(values: pl.Series) -> pl.DataFrame:
    """The different values, the most frequent first, with their `count`; only for texts and whole numbers."""
    if values.dtype != pl.String and not values.dtype.is_integer():
        values = (
            values.head(0).cast(pl.String, strict=False)
            if not values.dtype.is_nested()
            else pl.Series([], dtype=pl.String)
        )
    return values.alias("value").value_counts(sort=True)


def _is_of_words(text: str) -> bool:
    """Whether a text has a blank between two letters, or between a letter and a digit, in linear time."""
    letters = [
        each.start() for each in (_LETTER.search(text), _LETTER.search(text[::-1])) if each is not None
    ]
    if not letters:
        return False
    first, last = letters
    return any(map(str.isspace, text[first : len(text) - last])) or _NUMBERED.search(text) is not None


def _of_type(column: SampledColumn, values: pl.Series) -> SampledColumn:
    """The column with the findings from the type of its values."""
    type_ = values.dtype
    if not values.len():
        return replace(column, kind="nothing")
    if type_.is_numeric():
        numbers = values.cast(pl.Float64, strict=False)
        unit = _unit_of_moments(column, numbers)
        if not unit:
            return replace(column, kind="number")
        return replace(column, kind="epoch", formats=(unit,), first_year=year_of(numbers, unit))
    if type_ == pl.Date:
        return replace(column, kind="day", first_year=earliest_year(values.dt.year()))
    if type_.base_type() == pl.Datetime:
        zone = getattr(type_, "time_zone", None)
        return replace(
            column,
            kind="time",
            note=f"its times are in {zone}" if zone else "",
            first_year=earliest_year(values.dt.year()),
        )
    return column


def _in_digits(column: SampledColumn, texts: pl.Series) -> SampledColumn | None:
    """The column as one of days or times written as one number; None if they are not."""
    times = written_times(texts) if texts.str.contains(DIGITS_OF_A_TIME).all() else None
    if times is None:
        return None
    kind = "time" if times.has_clock else "day"
    return replace(column, kind=kind, formats=times.formats, note=times.note, first_year=times.first_year)


def as_the_others(columns: Sequence[SampledColumn]) -> list[SampledColumn]:
    """The columns of a file, with an ambiguous comma read as in the other columns.

    If another column has decimal points, and none decimal commas, `1,200` is twelve hundred.
    """
    signs = {column.sign for column in columns}
    if "." not in signs or "," in signs:
        return [*columns]
    return [
        replace(column, comma=False, thousands=True, note=OF_OTHERS) if column.note == IN_DOUBT else column
        for column in columns
    ]


def _of_text(column: SampledColumn, values: pl.Series) -> SampledColumn:
    """The column with the findings from its texts."""
    stripped = values.str.strip_chars()
    if stripped.str.contains(NUMBER).all():
        unit = _unit_of_moments(column, stripped.cast(pl.Float64, strict=False))
        if not unit and not _is_named_otherwise(column) and (found := _in_digits(column, stripped)):
            return found
        if unit:
            return _of_epochs(column, stripped)
        return replace(column, kind="number", note=doubtful(stripped), sign=decimal_sign(stripped))
    if times := written_times(stripped):
        if set(times.formats) <= EPOCHS.keys() and len(times.formats) == 1:
            return replace(
                column, kind="epoch", formats=times.formats, note=times.note, first_year=times.first_year
            )
        kind = "time" if times.has_clock else "day"
        return replace(column, kind=kind, formats=times.formats, note=times.note, first_year=times.first_year)
    return _of_numbers(column, stripped)


def _of_numbers(column: SampledColumn, texts: pl.Series) -> SampledColumn:
    """The column as one of numbers if more than half of its texts are numbers; unchanged otherwise."""
    plain = texts
    for pattern, minus in ACCOUNTED.items():
        plain = plain.str.replace(pattern, minus.replace("\\1", "${1}"))
    bare = plain.str.replace_all(NUMBER_AFFIXES, "")
    role = known_role(column.name)
    without_cents = bool(texts.str.contains(WITHOUT_CENTS).any())
    comma, thousands, note = signs_of(bare, is_money=role in _MONEY, without_cents=without_cents)
    both = comma and thousands
    pattern = f"{WITH_COMMA}|{WITH_POINT}"
    if not both:
        pattern = WITH_COMMA if comma else WITH_POINT if thousands else NUMBER
    read = bare.str.contains(pattern)
    are_codes = texts.str.contains(_CODE).all() and role not in _NUMBERS
    if 2 * int(read.sum()) <= texts.len() or are_codes:
        return column
    notes = [note]
    accounted = bool(((plain != texts) & read).any())
    if accounted:
        notes.append("its numbers in brackets, or with a minus behind them, are read as below zero")
    if not read.all():
        notes.append(f"{texts.len() - int(read.sum())} of {texts.len()} values are not read as numbers")
    return replace(
        column,
        kind="number",
        comma=comma,
        thousands=thousands,
        decorated=bool((bare != plain).any()),
        accounted=accounted,
        sign="" if both else decimal_sign(bare.filter(read)),
        note="; ".join(filter(None, notes)),
    )
