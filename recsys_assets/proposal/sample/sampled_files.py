"""SampledFiles: files of a shop that have the same columns, with a sample of their rows."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile
from pathlib import Path

import polars as pl

from recsys_assets.assets.raw.named_day import named_day
from recsys_assets.proposal.formats.scaled_money import with_scales
from recsys_assets.proposal.names.behaviours import named_behaviour
from recsys_assets.proposal.names.known_names import EVENT, IDS, known_role, role_rank
from recsys_assets.proposal.orders.bare_orders import bare_order
from recsys_assets.proposal.orders.credit_notes import CreditNotes, credit_notes
from recsys_assets.proposal.orders.ended_orders import EndedOrders, ended_orders, state_codes, state_table
from recsys_assets.proposal.orders.return_lines import ReturnLines, return_lines
from recsys_assets.proposal.sample.charges import charges
from recsys_assets.proposal.sample.first_lines import filled_by_first_lines, filled_down
from recsys_assets.proposal.sample.first_rows import (
    SAMPLE_ROWS,
    TEXTS,
    UNREADABLE,
    FirstRows,
    first_rows,
    without_gz,
)
from recsys_assets.proposal.sample.largest_numbers import largest_numbers
from recsys_assets.proposal.sample.line_sums import Sum, line_sums
from recsys_assets.proposal.sample.sampled_column import SampledColumn, as_the_others, sampled_column
from recsys_assets.proposal.sample.sniffed_dialects import SniffedDialects
from recsys_assets.proposal.sample.unpacked_rows import UnpackedRows
from recsys_assets.proposal.times.sampled_moments import is_part_of_a_moment, written_moments
from recsys_lineage.errors import LineageError
from recsys_lineage.files.parquet.hive_folders import folder_columns
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import literal

_SAMPLED_FILES = 3
_MOST_APART = 20
"""Largest number of files that are listed one by one if a pattern would match others too."""
_MONTH = (
    "(?:(?<![a-zA-Z])(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-zA-Z]))"
)
_PARTS = rf"(?:[\d\W_]|(?<![a-zA-Z])(?i:t|q|h|[kc]?w)(?=\d)|{_MONTH})*"
"""Pattern of what follows the first digits of a time in a name: more digits, months, and marks of clocks, quarters,
halves and weeks."""
_LAST_DIGITS = re.compile(rf"(?:\d{_PARTS}|{_MONTH}[\d\W_]*)$")
_FIRST_DIGITS = re.compile(rf"^{_PARTS}\d")
"""Patterns of the digits that a day, a clock or a number leaves in the part that all names share."""
_MOMENT = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-_.]?\d\d(?:[-_.]?\d\d(?:\d{4}|\d{6})?)?|(?:\d\d[-_.]){1,2}(?:19|20)\d\d)(?!\d)"
    rf"(?:{_PARTS}\d)?"
)
"""Pattern of a month or a day in a name, with its clock, or of a range from the first to the last."""
_UUID = re.compile(r"(?:\d+-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-c?\d+)?", re.IGNORECASE)
"""Pattern of an id that no other file has, with the numbers of a part around it: `part-00000-<id>-c000.parquet`."""
_ANY = "\ue000"
"""A character that no name has, which stands for any text until the pattern is written."""
_ENDS = re.compile(r"(?:\.[^\W\d]\w*)+$")
"""Pattern of a name's suffixes, such as `.csv.gz`."""
_DATED = re.compile(r"=|^\d+$|(?<!\d)(?:19|20)\d\d(?!\d)")
"""Pattern of a folder for files of some days, such as `day=2024-01-31`, `2024` or `sales 2024`."""


class NothingToSample(LineageError):
    """No file could be sampled."""


@dataclass(frozen=True)
class SampledFiles:
    """Files with the same columns, by the pattern that names them.

    Attributes:
        pattern: relative to the data folder; matches these files and no others, except for those in `notes`.
        paths: the files, relative to the data folder.
        function: `read_csv` or `read_parquet`.
        options: of that function, as DuckDB spells them.
        columns: properties of each column, from the sample.
        rows: number of sampled rows.
        notes: uncertain guesses, in sentences.
        moments: times that several of the columns hold together, such as a day and its clock.
        named: column of a raw table → the column that a person says it is.
        unpacked: how the columns are extracted from those of the function, if they are.
        first_lines: column that only the first line of an order fills → columns that may identify the order.
        filled_down: columns that are empty on all lines of an order but the first, even the one that identifies it.
        sums: columns with totals of a line or of an order.
        equal_rows: number of sampled rows that repeat an earlier one.
        charges: column of products → ids in it that are probably postage and the like, and their names.
        ended: column → the rows that it says are of orders that came to nothing.
        credit: column of orders → the rows whose ids say that they take back what others sold.
        returns: column that says of what type each line is → the lines that take back what others sold.
        largest: column with numbers near the usual limit or above → a limit for them.
        bare_order: the column of the order of each line, if its name says only that it is an id; empty otherwise.
        state_codes: column of states in codes → all of these.
        state_names: column of states in codes → the names that another file gives to them.
        state_table: columns of a small table that may name states of orders; empty for other files.
    """

    pattern: str
    paths: tuple[str, ...]
    function: str
    columns: tuple[SampledColumn, ...]
    rows: int
    options: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    moments: tuple[SampledColumn, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    unpacked: UnpackedRows | None = None
    first_lines: Mapping[str, Collection[str]] = field(default_factory=dict)
    filled_down: Collection[str] = frozenset()
    sums: Mapping[str, Sum] = field(default_factory=dict)
    equal_rows: int = 0
    charges: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ended: Mapping[str, EndedOrders] = field(default_factory=dict)
    credit: Mapping[str, CreditNotes] = field(default_factory=dict)
    returns: Mapping[str, ReturnLines] = field(default_factory=dict)
    largest: Mapping[str, float] = field(default_factory=dict)
    bare_order: str = ""
    state_codes: Mapping[str, EndedOrders] = field(default_factory=dict)
    state_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    state_table: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    @property
    def scan(self) -> str:
        """The table function that reads them, for a FROM clause."""
        options = "".join(f", {name} = {value}" for name, value in self.options.items())
        return f"{self.function}({literal(self.pattern)}{options})"

    @property
    def rows_are_elements(self) -> bool:
        """Whether rows are elements of a list, so that some columns belong to the whole list."""
        return self.unpacked is not None and bool(self.unpacked.elements)

    @property
    def own_names(self) -> Mapping[str, str]:
        """Column → its name in the elements of a list."""
        return self.unpacked.of_elements if self.unpacked is not None else {}

    def relation(self, names: Collection[str]) -> str:
        """FROM clause for some of the columns."""
        return self.scan if self.unpacked is None else self.unpacked.relation(self.scan, names)


def sampled_files(root: Path, paths: Iterable[str]) -> tuple[list[SampledFiles], dict[str, str]]:
    """Files of a data folder, grouped by their columns; and the reasons why others could not be sampled, by path.

    The sample of a group has the first rows of its first, middle and last file.

    Raises:
        NothingToSample: none of the paths is a CSV or Parquet file with a row.
    """
    samples: dict[str, FirstRows] = {}
    left: dict[str, str] = {}
    dialects = SniffedDialects()
    for path in sorted(paths):
        try:
            samples[path] = _with_folders(first_rows(root / path, dialects), path)
        except UNREADABLE as error:
            left[path] = str(error).splitlines()[0] or type(error).__name__
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for path, sample in samples.items():
        groups[(*sample.shape, _kind_of_name(path), named_behaviour(path))].append(path)
    if not groups:
        raise NothingToSample(
            "No file could be sampled.",
            expected="CSV (also as .tsv, .txt, .gz) or Parquet files with a header and rows",
            found="; ".join(f"{path}: {fault}" for path, fault in list(left.items())[:5]) or "no file",
            where=str(root),
            advice="name the files, or the folder that holds them",
        )
    found = []
    for members in _of_one_kind(groups.values(), samples):
        others = [path for path in samples if path not in members]
        pattern = common_pattern(members)
        alike = [members]
        if len(members) <= _MOST_APART and any(_fits(path, pattern) for path in others):
            alike = [[path] for path in members]  # a pattern would read the others too
        for each in alike:
            named = {path: samples[path] for path in each}
            found.append(_described(named, others))
    return sorted(found, key=lambda files: files.pattern), left


def _of_one_kind(groups: Iterable[Sequence[str]], samples: Mapping[str, FirstRows]) -> list[list[str]]:
    """The groups, joined if one scan can read them although some of their files have more columns.

    Such files have similar names, share a customer, a product and a time, and differ in no other column of events.
    """
    found: list[list[str]] = []
    for members in groups:
        for other in found:
            if _differ_in_unused(other, members, samples):
                other[:] = sorted([*other, *members])
                break
        else:
            found.append([*members])
    return found


def _with_folders(sample: FirstRows, path: str) -> FirstRows:
    """The sample with columns of folders such as `event_type=view`, unless the files have the column.

    Where no column holds a time, folders of a year, a month, a day and an hour do.
    """
    there = {known_role(name) for name in sample.frame.columns}
    folder_values = folder_columns(path, frozenset(folded(name) for name in sample.frame.columns))
    more = {
        name: value
        for name, value in folder_values.items()
        if ((role := known_role(name)) and role not in there)
        or ("event_time" not in there and is_part_of_a_moment(name))
    }
    if not more:
        return sample
    columns = [pl.lit(value, pl.String).alias(name) for name, value in more.items()]
    unpacked = sample.unpacked.with_scanned(more) if sample.unpacked is not None else None
    return replace(sample, frame=sample.frame.with_columns(columns), unpacked=unpacked)


def _kind_of_name(path: str) -> str:
    """Suffix of a name that is no format, such as `.base` and `.test`."""
    suffix = Path(without_gz(path)).suffix.casefold()
    return "" if suffix in TEXTS else suffix


def _differ_in_unused(one: Sequence[str], two: Sequence[str], samples: Mapping[str, FirstRows]) -> bool:
    if samples[one[0]].way != samples[two[0]].way or not (
        any(_fits(path, common_pattern(one)) for path in two)
        or any(_fits(path, common_pattern(two)) for path in one)
    ):
        return False
    both = {path: samples[path] for path in (*one, *two)}
    shared = _shared_names(both)
    names = {folded(name) for sample in both.values() for name in sample.frame.columns}
    roles = {
        role
        for role, known in EVENT.items()
        if any(role_rank(role, name, known) is not None for name in shared)
    }
    others = names - {folded(name) for name in shared}
    return {*IDS, "event_time"} <= roles and not any(
        role_rank(role, name, known) is not None for name in others for role, known in EVENT.items()
    )


def _shared_names(samples: Mapping[str, FirstRows]) -> list[str]:
    """The columns that all samples have, by their names in the first."""
    each = [{folded(name) for name in sample.frame.columns} for sample in samples.values()]
    first = next(iter(samples.values()))
    return [name for name in first.frame.columns if all(folded(name) in names for names in each)]


def _described(named: Mapping[str, FirstRows], others: Sequence[str]) -> SampledFiles:
    members = [*named]
    samples = [named[path] for path in _spread(members)]
    pattern = common_pattern(members)
    notes = dict.fromkeys(note for sample in samples for note in sample.notes)
    if (caught := [path for path in others if _fits(path, pattern)]) and len(members) > 1:
        notes[f"the pattern {pattern} also fits {', '.join(caught[:3])}, which differ"] = None
    elif caught:
        pattern = literal_pattern(members[0])
        notes[
            "it is read by its own name, for files of like names differ from it; the next ones are not read"
        ] = None
    names = _shared_names(named)
    everywhere = {folded(name) for name in names}
    every = dict.fromkeys(name for sample in named.values() for name in sample.frame.columns)
    if more := [name for name in every if folded(name) not in everywhere]:
        notes[
            f"only some of its files have the columns {', '.join(more[:_MOST_APART])}; they are not used"
        ] = None
    frames = [_with_names(sample.frame, names) for sample in samples]
    if len({tuple(frame.dtypes) for frame in frames}) > 1:
        notes["the types of its columns differ from file to file"] = None
        frames = [_as_text(frame) for frame in frames]
    frame = pl.concat(frames).head(SAMPLE_ROWS)
    columns = as_the_others([sampled_column(frame[name]) for name in frame.columns])
    columns = (*with_scales(columns, samples[0].unpacked.of_elements if samples[0].unpacked else {}),)
    moments, unsure = written_moments(frame, columns)
    notes |= dict.fromkeys(unsure)
    first = samples[0]
    below = filled_down(frame) if first.unpacked is None else frozenset[str]()
    words = [
        literal(word) for word in sorted({word for sample in named.values() for word in sample.no_value})
    ]
    nulls = {"nullstr": words[0] if len(words) == 1 else f"[{', '.join(words)}]"} if words else {}
    return SampledFiles(
        pattern,
        tuple(members),
        first.function,
        columns,
        frame.height,
        {**first.options, **nulls},
        tuple(notes),
        tuple(moments),
        unpacked=first.unpacked,
        first_lines=filled_by_first_lines(frame) if first.unpacked is None else {},
        filled_down=below,
        sums=line_sums(frame, columns),
        equal_rows=0 if more or first.unpacked is not None else _equal_rows(frame, below),
        charges=charges([_with_names(sample.frame, names) for sample in named.values()]),
        ended=ended_orders(frame),
        bare_order=bare_order(frame, below) if first.unpacked is None else "",
        credit=credit_notes(frame),
        returns=return_lines(frame),
        largest=largest_numbers(frame, columns),
        state_codes=state_codes(frame),
        state_table=state_table(pattern, frame),
    )


def _equal_rows(frame: pl.DataFrame, below: Collection[str]) -> int:
    frame = frame.with_columns(pl.col(*below).forward_fill()) if below else frame
    return 0 if any(type_.is_nested() for type_ in frame.dtypes) else frame.height - frame.n_unique()


def days_known(groups: Iterable[SampledFiles]) -> set[date]:
    """The days in the paths of some files."""
    return {day for files in groups for path in files.paths if (day := named_day(path)) is not None}


def common_pattern(paths: Sequence[str]) -> str:
    """A pattern that matches all the paths: the common prefix and suffix of their names, with `*` between.

    Days, numbers and random ids will differ in future files and folders, so the pattern has none of them.
    """
    folders = [path.rpartition("/")[0] for path in paths]
    names = [_UUID.sub(_ANY, without_gz(path.rpartition("/")[2])) for path in paths]
    if len(each := {_of_one(name) for name in names}) == 1:
        (name,) = each
    else:
        start = _LAST_DIGITS.sub("", os.path.commonprefix(names))  # noqa: RUF071 - letters are meant
        ends = _FIRST_DIGITS.sub("", os.path.commonprefix([name[::-1] for name in names])[::-1])  # noqa: RUF071
        shortest = min(map(len, names)) - len(start)
        end = ends[len(ends) - min(len(ends), shortest) :]
        name = f"{literal_pattern(start)}*{literal_pattern(end)}"
    parts = [folder.split("/") if folder else [] for folder in folders]
    shared = [one[0] for one in takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))]
    kept = [*takewhile(lambda part: not _DATED.search(part), shared)]
    below = ["**"] if any(len(kept) < len(part) for part in parts) else []
    name = re.sub(r"\**\ue000\**", "*", name)
    return "/".join([*map(literal_pattern, kept), *below, name])


def _of_one(name: str) -> str:
    """A pattern for one name: wildcards replace the times in it and the number at its end."""
    if (ends := _ENDS.search(name)) is None:
        return literal_pattern(name)
    stem = name[: ends.start()]
    start = _LAST_DIGITS.sub("", stem)
    kept = [*_MOMENT.split(start), *([""] if start != stem else [])]
    return "*".join(map(literal_pattern, kept)) + literal_pattern(ends[0])


def literal_pattern(path: str) -> str:
    """A pattern that matches one path, and others only at characters that a pattern cannot contain."""
    return re.sub(r"[:\\\x00-\x1f\x7f]|^~", "?", glob.escape(path))


def _fits(path: str, pattern: str) -> bool:
    return fnmatch.fnmatch(without_gz(path), pattern.replace("**/", "*"))


def _spread(paths: Sequence[str]) -> list[str]:
    """The first, the middle and the last."""
    last = len(paths) - 1
    return [paths[place] for place in sorted({0, last // 2, last})][:_SAMPLED_FILES]


def _with_names(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns in another order, matched by name without case."""
    if frame.columns == list(names):
        return frame
    own = {folded(name): name for name in frame.columns}
    return frame.select(pl.col(own[folded(name)]).alias(name) for name in names)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    texts = (
        pl.Series(name, [None if v is None else str(v) for v in frame[name]], pl.String)
        for name in frame.columns
    )
    return pl.DataFrame(list(texts))
