"""`source_files`: every file of the source, its sha256, what it holds, and whether it can be loaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from recsys_assets.source import NamedScan, Source
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.assets.scanned_files import open_scan
from recsys_lineage.errors import LineageError
from recsys_lineage.files import SourceFile, deduplicate, list_files

SCHEMA = {
    "path": pl.String,
    "pattern": pl.String,
    "sha256": pl.String,
    "bytes": pl.Int64,
    "rows": pl.Int64,
    "malformed": pl.Int64,
    "arrival": pl.Datetime("us"),
    "status": pl.String,
    "duplicate_of": pl.String,
    "fault": pl.String,
    "days": pl.List(pl.Date),
}
_DAY_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


class NoFiles(LineageError):
    """The data folder holds nothing that the source could load."""


@dataclass(frozen=True)
class SourceFolder:
    """A source and the folder that its files lie in."""

    source: Source
    root: Path

    def listed(self) -> dict[NamedScan, list[SourceFile]]:
        """The files of each scan, by path, files in `landing/` last.

        Raises:
            NoFiles: when the folder is missing, or no file fits any pattern.
        """
        patterns = ", ".join(sorted({named.scan.pattern for named in self.source.scans()}))
        if not self.root.is_dir():
            raise NoFiles(
                "The data folder is missing.",
                expected=f"a folder with files {patterns}",
                found="no folder",
                where=str(self.root),
                advice="set RECSYS_DATA to the folder of your files",
            )
        listed = {named: list_files(self.root, named.scan.pattern) for named in self.source.scans()}
        if not any(listed.values()):
            there = sorted(path.name for path in self.root.iterdir())[:8]
            raise NoFiles(
                "The data folder holds no file of the source.",
                expected=f"files {patterns}",
                found=", ".join(there) or "an empty folder",
                where=str(self.root),
                advice="copy the files there, or mend the patterns in the source's SQL",
            )
        return listed

    def observe(self) -> str:
        """A hash of all paths and contents: it changes when a file is added, changed or gone."""
        seen = sorted({(f.path, f.sha256) for files in self.listed().values() for f in files})
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def inspect(
    folder: SourceFolder,
    inputs: Inputs,
    before: Mapping[str, list[date]],
    tomorrow: date,
) -> pl.DataFrame:
    """Read every file of the source to its end and say what it holds; one row a file and pattern.

    `days` is empty for files that hold no events, such as those of customers.

    Args:
        folder: the source and its folder.
        inputs: opens the files, and notes them as read.
        before: the days that each path held when it was last readable.
        tomorrow: no event can be later.
    """
    rows: list[dict[str, object]] = []
    for named, files in folder.listed().items():
        unique, duplicates = deduplicate(files)
        opened = open_scan(
            inputs,
            folder.root,
            named.scan,
            unique,
            named.relation,
            required_columns=named.required_columns,
            decode=True,
        )
        for report in opened.reports:
            rows.append(
                _row(named, report.file)
                | {
                    "rows": report.rows,
                    "malformed": report.malformed,
                    "status": "faulty" if report.fault else "loaded",
                    "fault": str(report.fault) if report.fault else None,
                }
            )
        for copy in duplicates:
            inputs.file(copy.file.path, bytes=copy.file.bytes, sha256=copy.file.sha256, root=str(folder.root))
            rows.append(_row(named, copy.file) | {"status": "duplicate", "duplicate_of": copy.duplicate_of})
    days = event_days(folder.source, inputs.query, tomorrow)
    with_events = {str(named.scan) for named in folder.source.table_scans("raw_events")}
    for row in rows:
        if row["pattern"] not in with_events:
            row["days"] = []
            continue
        path = str(row["path"])
        row["days"] = days.get(path) or before.get(path) or [_named_day(path) or row["arrival"].date()]  # type: ignore[union-attr]
    return pl.DataFrame(rows, schema=SCHEMA).sort("path", "pattern")


def event_days(
    source: Source, ask: Callable[[str, Mapping[str, Any]], pl.DataFrame], tomorrow: date
) -> dict[str, list[date]]:
    """The days of the valid event times in each opened file; files without any are left out.

    Args:
        ask: answers a SELECT with its parameters over the opened relations.
    """
    query = source.queries["raw_events"]
    if "event_time" not in {name.casefold() for name in query.columns}:
        return {}
    sql = query.rewritten({named.scan: named.relation for named in source.scans()})
    limits = source.raw_parameters(tomorrow)
    found = ask(
        f"""SELECT _file, list_sort(list(DISTINCT day)) AS days
        FROM (SELECT _file, TRY_CAST(TRY_CAST(event_time AS TIMESTAMP) AS DATE) AS day FROM ({sql}))
        WHERE day BETWEEN $earliest_day AND $latest_day GROUP BY _file""",
        limits,
    )
    return dict(found.iter_rows())


def loadable(files: pl.DataFrame, scans: Iterable[NamedScan]) -> dict[NamedScan, pl.DataFrame]:
    """Of `source_files`, the rows that can be loaded, for each scan."""
    good = files.filter(pl.col("status") == "loaded")
    return {named: good.filter(pl.col("pattern") == str(named.scan)) for named in scans}


def inputs_digest(files: Iterable[tuple[str, str]], code_version: str) -> str:
    """A short hash of (path, sha256) pairs and of the code that reads them."""
    return hashlib.sha256(repr((sorted(files), code_version)).encode()).hexdigest()[:16]


def _row(named: NamedScan, file: SourceFile) -> dict[str, object]:
    return {
        "path": file.path,
        "pattern": str(named.scan),
        "sha256": file.sha256,
        "bytes": file.bytes,
        "rows": None,
        "malformed": 0,
        "arrival": file.modified.replace(tzinfo=None),
        "status": "loaded",
        "duplicate_of": None,
        "fault": None,
    }


def _named_day(path: str) -> date | None:
    match = _DAY_IN_NAME.search(path.rsplit("/", 1)[-1])
    return date(int(match[1]), int(match[2]), int(match[3])) if match else None
