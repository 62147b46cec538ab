"""DayPlan: the days of `raw_events` that are up to date, that have to be written, and that cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_assets.assets.raw.found_files import faulty_days, inputs_digest, with_status
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.source import NamedScan

RETAINED = "rows kept"
"""Mark in a digest, next to the path of a file that is gone: its rows are those of the previous version."""
SERVICE = "the service"
"""Mark in a digest, next to a hash of the service's events."""
FORGET = "bring it back, or give its rows up by: recsys forget {path}"
RENAMED = "rename the files, or mend the pattern in the SQL; to empty the table: recsys materialize"

REPLACED = (
    "none of its lines is an event of that day any more, whose rows are kept: the file has other content now, or "
    "another file or a setting that the SQL uses leaves them out. What to do: give each delivery a name of its own, as "
    "by its date, or where they are left out on purpose, empty the day by: recsys materialize raw_events --partition "
)
"""Reason why a day that no file has any more is not emptied; the day follows."""


@dataclass(frozen=True)
class EventScans:
    """The scans of raw_events: `own`, whose files each contribute rows, and `shared`, on which every row may depend."""

    own: frozenset[NamedScan]
    shared: frozenset[NamedScan]

    @classmethod
    def of(cls, folder: SourceFolder) -> EventScans:
        """The scans of a source."""
        own = folder.scans_by_file("raw_events")
        return cls(own, frozenset(folder.source.table_scans("raw_events")) - own)


@dataclass(frozen=True)
class DayPlan:
    """Target state of the days of raw_events.

    Attributes:
        digests: day → a hash of the files that its rows are made of, and of the code.
        retained: the same for days with a deleted file whose rows are kept.
        known: day → the hash of what the table holds.
        refused: day → reasons why it cannot be loaded; the table keeps its rows of that day.
        hindered: whether no day can be written, because a file that all days need is gone or faulty.
    """

    digests: Mapping[str, str]
    retained: Mapping[str, str]
    known: Mapping[str, str]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hindered: bool = False

    def is_up_to_date(self, day: str) -> bool:
        """Whether a day of the table is up to date."""
        held = self.known.get(day)
        return held is not None and held in (self.digests.get(day), self.retained.get(day))

    @property
    def days(self) -> list[str]:
        """Every day that can be written: those of the files, and those to be emptied because no file has them."""
        days = (set(self.digests) | set(self.known)) - set(self.refused)
        return [] if self.hindered else sorted(days)

    @property
    def changed(self) -> list[str]:
        """The days that have to be written because they are out of date."""
        return [day for day in self.days if not self.is_up_to_date(day)]

    def taken(self, written: Iterable[str]) -> dict[str, str]:
        """Content of the table, by day, after some days are written."""
        now = {day: self.retained.get(day, self.digests.get(day)) for day in written}
        return dict(sorted((day, held) for day, held in {**self.known, **now}.items() if held is not None))


def day_plan(
    files: pl.DataFrame,
    scans: EventScans,
    code_version: str,
    known: Mapping[str, str] | None = None,
    other_content: Mapping[str, str] | None = None,
) -> DayPlan:
    """The plan for what `source_files` found.

    A day's digest covers the files that hold the day and all files that every row may depend on. If one of the latter
    is gone or faulty, no day can be written, and days that changed are refused.

    Args:
        files: `source_files`.
        scans: those of raw_events.
        code_version: of raw_events.
        known: digest of what the table holds, by day.
        other_content: day → a hash of other content of its rows, besides files.
    """
    known = dict(known or {})
    own = with_status(files, scans.own, "loaded", "gone")
    shared = with_status(files, scans.shared, "loaded", "gone")
    common = set(shared.select("path", "sha256").iter_rows())
    made: dict[str, list[tuple[str, str]]] = defaultdict(list)
    retained: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for path, sha256, status, held, given, days in _by_day(pl.concat([own, shared])):
        is_own = (path, sha256) not in common
        for day in days:
            if is_own:
                made[day].append((path, sha256))
                retained[day].append((path, RETAINED if status == "gone" else sha256))
            rows[day].append((0 if status == "gone" else held or 0, given or 0))
    for day, held in (other_content or {}).items():
        made[day].append((SERVICE, held))
        retained[day].append((SERVICE, held))
        rows[day] += []
    digests = {day: inputs_digest([*made[day], *common], code_version) for day in rows}
    retained_digests = {
        day: inputs_digest([*retained[day], *common], code_version)
        for day in rows
        if retained[day] != made[day]
    }
    refused: dict[str, list[str]] = defaultdict(list)
    for day, broken in faulty_days(with_status(files, scans.own, "faulty")).items():
        refused[day] += sorted({file.fault for file in broken})
    plan = DayPlan(digests, retained_digests, known)
    hindrances = _hindrances(files, scans)
    for reason in hindrances:
        for day in set(digests) | set(known):
            if not plan.is_up_to_date(day):
                refused[day].append(reason)
    # without a file that all are made with, no row says anything about its own file
    for day, counts in () if hindrances else rows.items():
        if not any(given for _, given in counts) and (unused := sum(held for held, _ in counts)):
            refused[day].append(_nothing_of(day, unused, files, scans))
    words = {day: tuple(reasons) for day, reasons in sorted(refused.items())}
    return DayPlan(digests, retained_digests, known, words, hindered=bool(hindrances))


def _by_day(files: pl.DataFrame) -> Iterable[tuple[str, str, str, int | None, int | None, list[str]]]:
    for *row, days in files.select("path", "sha256", "status", "rows", "given", "days").iter_rows():
        path, sha256, status, held, given = row
        yield path, sha256, status, held, given, [str(day) for day in days]


def _hindrances(files: pl.DataFrame, scans: EventScans) -> list[str]:
    """Reasons why no day can be written: files that every row may depend on are faulty or gone."""
    reasons = with_status(files, scans.shared, "faulty")["fault"].to_list()
    for path, pattern in with_status(files, scans.shared, "gone").select("path", "pattern").iter_rows():
        reasons.append(
            f"{path}: the file is gone, and the events of every day are made with {pattern}. "
            f"What to do: {FORGET.format(path=path)}"
        )
    return sorted(set(reasons))


def _nothing_of(day: str, rows: int, files: pl.DataFrame, scans: EventScans) -> str:
    """The reason why a day whose files have rows ends up with none, if it is known."""
    own = with_status(files, scans.own | scans.shared, "loaded").filter(
        pl.col("days").list.contains(date.fromisoformat(day))
    )
    paths = own["path"].to_list()
    named = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more files" if len(paths) > 3 else "")
    looked_up = []
    for scan in sorted(scans.shared, key=str):
        there = with_status(files, [scan], "loaded")
        looked_up.append(f"{scan.scan} with {there['rows'].sum() or 0} rows in {there.height} files")
    joined = f"; it is joined with {' and '.join(looked_up)}" if looked_up else ""
    return (
        f"{named}: raw_events.sql gives none of the {rows:,} rows{joined}. "
        "What to do: look at its joins and its WHERE, and at the files that it joins; "
        f"if there is nothing to load: recsys forget {paths[0] if paths else 'FILE'}"
    )


def refused_days(refused: Mapping[str, Collection[str]]) -> FaultyFiles:
    """The error of days that cannot be loaded: day → why, in words."""
    texts = sorted({text for reasons in refused.values() for text in reasons})
    shown = days_shown(refused)
    return FaultyFiles(
        f"The events of {shown} cannot be loaded.\n  " + "\n  ".join(texts),
        where=shown,
        advice="fix the file, or drop it with recsys forget, materialize source_files, then these days of "
        "raw_events; all other days are loaded",
    )


def days_shown(refused: Collection[str]) -> str:
    """The first of some days, and how many more there are, for messages."""
    days = sorted(refused)
    return ", ".join(days[:5]) + (f" and {len(days) - 5} more days" if len(days) > 5 else "")
