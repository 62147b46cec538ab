"""LoadReport: the files and days of the source that are not in the raw tables, with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from recsys_assets.assets.raw.day_plan import REPLACED, EventScans, day_plan
from recsys_assets.assets.raw.found_files import newest_files
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.runs.unread_days import unread_days
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records


@dataclass(frozen=True)
class LoadReport:
    """Load state of the source's files.

    Attributes:
        faulty: file → the reason why it cannot be read, with advice.
        days: day → the reason why its current files are not loaded, or none of their rows is accepted.
        copies: file → the file with the same content, which is loaded instead.
        gone: files that were loaded and then deleted; their rows are kept.
        passed: days before the first one of a file that was replaced under its name; their rows are kept.
        forgotten: files that a person decided to leave out.
        overlooked: file that matches no pattern of the source → the file with a similar name that is read.
        without_files: patterns of the source that no file has ever matched.
    """

    faulty: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    overlooked: Mapping[str, str] = field(default_factory=dict)
    without_files: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that the files hold is loaded."""
        return not self.faulty and not self.days

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all parts that are not empty."""
        return {name: value for name, value in asdict(self).items() if value}


def load_report(
    lake: Lake,
    folder: SourceFolder,
    code_version: str,
    *,
    loaded: bool = False,
    other_content: Mapping[str, str] | None = None,
) -> LoadReport:
    """Load state of the files in the newest `source_files`.

    Args:
        lake: the lake.
        folder: the source.
        code_version: of raw_events.
        loaded: whether raw_events was materialized since; until then, a day that waits for it is no fault.
        other_content: other content of raw_events besides files; see `day_plan`.
    """
    files = newest_files(lake)
    before = Records(lake).latest("raw_events")
    known = before.takes if before is not None else {}
    plan = day_plan(files, EventScans.of(folder), code_version, known, other_content)
    days = dict(plan.refused)
    failures = before.written.failures if before is not None and before.written is not None else {}
    days |= {day: (failures[day],) for day in plan.changed if day in failures}
    passed: list[str] = []
    if loaded:
        gone = files.filter(pl.col("status") == "gone").explode("days")
        empty = files.filter((pl.col("status") == "loaded") & (pl.col("given") == 0)).explode("days")
        for day in set(plan.changed) - set(days):
            lost, left = (
                each.filter(pl.col("days").cast(pl.String) == day)["path"].unique().sort()
                for each in (gone, empty)
            )
            reasons = tuple(f"{path}: the file is gone, and was never loaded" for path in lost)
            reasons = reasons or tuple(f"{path}: {REPLACED}{day}" for path in left)
            if reasons or day in plan.digests:
                days[day] = reasons or ("it was not written",)
            else:
                passed.append(day)
        for day, reason in unread_days(lake).items():
            days.setdefault(day, (reason,))
    by_status = {status: files.filter(pl.col("status") == status).sort("path") for status in _STATUSES}
    return LoadReport(
        faulty=dict(by_status["faulty"].select("path", "fault").iter_rows()),
        days=dict(sorted(days.items())),
        copies=dict(by_status["duplicate"].select("path", "duplicate_of").iter_rows()),
        gone=_retained(lake, folder, by_status["gone"]),
        passed=tuple(sorted(passed)),
        forgotten=tuple(by_status["forgotten"]["path"].unique().sort()),
        overlooked=folder.overlooked() if folder.root.is_dir() else {},
        without_files=folder.without_files(frozenset(files["pattern"])) if folder.root.is_dir() else (),
    )


def _retained(lake: Lake, folder: SourceFolder, gone: pl.DataFrame) -> tuple[str, ...]:
    """Deleted files whose rows are still in the tables."""
    listed: set[str] = set()
    held: set[str] = set()
    for table in folder.source.queries:
        patterns = [named.scan.described() for named in folder.scans_by_file(table)]
        paths = gone.filter(pl.col("pattern").is_in(patterns))["path"].unique().to_list()
        listed.update(paths)
        if paths and lake.has(table):
            with lake.reading(), lake.connect() as connection:
                rows = lake.relation(lake.version(table))
                found = connection.execute(
                    f"SELECT DISTINCT _file FROM {rows} WHERE list_contains($1, _file)", [paths]
                ).fetchall()
            held.update(path for (path,) in found)
    return tuple(path for path in gone["path"].unique().sort() if path in held or path not in listed)


_STATUSES = ("faulty", "duplicate", "gone", "forgotten")
