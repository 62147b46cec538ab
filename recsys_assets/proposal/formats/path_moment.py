"""The time in the names or folders of a shop's files: a day with an hour, or a day in another notation than year, month
and day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from recsys_assets.assets.raw.named_day import named_day
from recsys_assets.proposal.sample.sampled_column import SampledColumn, sampled_column
from recsys_assets.proposal.times.written_moment import MomentInPath

_SIGN = "[-_. ]"
_WAYS = (
    (rf"(\d{{1,2}}){_SIGN}(\d{{1,2}}){_SIGN}(\d{{4}})", r"\1-\2-\3"),
    (rf"(\d{{1,2}}){_SIGN}?([A-Za-z]{{3}})[a-z]*{_SIGN}?(\d{{4}})", r"\1-\2-\3"),
    (rf"(\d{{4}}){_SIGN}?([A-Za-z]{{3}})[a-z]*{_SIGN}?(\d{{1,2}})", r"\3-\2-\1"),
    (r"(\d\d)(\d\d)((?:19|20)\d\d)", r"\1-\2-\3"),
    (r"(\d{10}|\d{13})", r"\1"),
)
"""Patterns for a day in a name, with the replacement that puts its parts together: the day first, or an epoch."""
_DAY = r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])"
_HOUR, _SIXTY = r"([01]\d|2[0-3])", r"([0-5]\d)"
_BETWEEN = "(?: at |[-_. T])?"
_ZONE = r"(Z?)(?:[^A-Za-z0-9][^/]*)?"
_IN_NAMES = rf"^(?:.*/)?(?:[^/]*[^/\d])?{_DAY}{_BETWEEN}"
_KEY = "(?:[A-Za-z]+=)?"
_WITH_CLOCK = (
    (rf"{_IN_NAMES}{_HOUR}[-_.:hH]?{_SIXTY}[-_.:mM]?{_SIXTY}{_ZONE}$", r"\1-\2-\3 \4:\5:\6\7"),
    (rf"{_IN_NAMES}{_HOUR}[-_.:hH]?{_SIXTY}{_ZONE}$", r"\1-\2-\3 \4:\5:00\6"),
    (rf"{_IN_NAMES}{_HOUR}[hH]?{_ZONE}$", r"\1-\2-\3 \4:00:00\5"),
    (
        rf"^(?:.*/)?{_KEY}(20\d\d)/{_KEY}(0?[1-9]|1[0-2])/{_KEY}(0?[1-9]|[12]\d|3[01])/{_KEY}(2[0-3]|[01]?\d)/.*$",
        r"\1-\2-\3 \4:00:00",
    ),
    (rf"^(?:.*/)?{_KEY}{_DAY}/{_KEY}{_HOUR}/.*$", r"\1-\2-\3 \4:00:00"),
)
"""Patterns of whole paths for a day with its clock or hour, and the time that they make of them."""


def path_moment(paths: Sequence[str]) -> SampledColumn | None:
    """The time in all the paths, in one notation; None if there is none, or if it is a day that `named_day` reads.

    Two digits after a day are an hour only if they differ; else they number the files, or are part of another name.
    """
    if not paths:
        return None
    in_names = [(rf"^(?:.*/)?(?:[^/]*[^/\d])?{pattern}(?:\D[^/]*)?$", way) for pattern, way in _WAYS]
    for full_pattern, replacement in (*_WITH_CLOCK, *([] if all(map(named_day, paths)) else in_names)):
        texts = [re.sub(full_pattern, replacement, path) for path in paths]
        if any(text == path for text, path in zip(texts, paths, strict=True)):
            continue
        column = sampled_column(pl.Series("the names of its files", texts))
        if (
            column.kind in ("day", "time", "epoch")
            and len(column.formats) == 1
            and not _unread(column, texts)
            and (column.kind != "time" or len({text.partition(" ")[2] for text in texts}) > 1)
        ):
            return replace(column, written=MomentInPath(full_pattern, replacement))
    return None


def notes_on_days(paths: Sequence[str]) -> Iterator[str]:
    """Notes on the days that events without times get from their files, in sentences."""
    days = {path: day for path in paths if (day := named_day(path)) is not None}
    if days:
        path, day = next(iter(days.items()))
        yield f"events get the day that the name or the folders of their file tell, such as {day} of {path}"
    if silent := [path for path in paths if path not in days]:
        yield (
            f"{silent[0]} and such files tell no day that is read, so their events get the day on which the file was "
            "last changed: put the day into their names, as in orders-2024-01-31.csv"
        )
    if ranges := [path for path in days if len(_ISO_DAY.findall(path.rpartition("/")[2])) > 1]:
        yield f"{ranges[0]} names several days; the first one is that of all its events"


def _unread(column: SampledColumn, texts: Sequence[str]) -> bool:
    """Whether some of the texts are no moment."""
    return "values are not read as times" in column.note or column.distinct < len({*texts})


_ISO_DAY = re.compile(r"(?<!\d)20\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
