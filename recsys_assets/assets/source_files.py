"""`source_files`: every file of the source, its sha256, what it holds, and whether it can be loaded."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.settings import Settings
from recsys_assets.source import NamedScan, Source
from recsys_assets.sql import parameters_of, with_macros
from recsys_lineage.assets.asset_code import AssetCode, Output, Request
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.code_version import by_module, code_version, reachable
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.assets.scanned_files import open_scan
from recsys_lineage.errors import LineageError
from recsys_lineage.files import SourceFile, deduplicate, list_files
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.check_outcome import CheckOutcome
from recsys_lineage.records.materialization import Code

EVENT_DAYS_NAME = "event_days"
"""The set of days that events have, by which `raw_events` is partitioned."""
_DAY_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


class SourceFilesColumns:
    """Columns of `source_files`, one row a file and pattern."""

    path = pl.String
    """The file, below the data folder."""
    pattern = pl.String
    """The pattern of the source's SQL that it fits."""
    sha256 = pl.String
    """Hash of its content."""
    bytes = pl.Int64
    """Its size."""
    rows = pl.Int64
    """Its rows, malformed ones too; null where it cannot be read."""
    malformed = pl.Int64
    """Rows with too many or too few fields."""
    arrival = pl.Datetime("us")
    """When it was last changed, in UTC."""
    status = pl.String
    """loaded, faulty (it cannot be read) or duplicate (another file has its content)."""
    duplicate_of = pl.String
    """The file that a duplicate repeats."""
    fault = pl.String
    """What is wrong with a faulty file, and what to do."""
    days = pl.List(pl.Date)
    """The days of its events; empty for files that hold no events."""


SCHEMA = types_of(SourceFilesColumns)


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


def source_folder(settings: Settings) -> SourceFolder:
    """The source of the settings and the folder of its files.

    Raises:
        LineageError: when the settings name no data folder and the source has none of its own.
        SourceError: when the source cannot be loaded.
    """
    source = Source.load(settings.source)
    root = settings.data or source.data_folder()
    if root is None:
        raise LineageError(
            f"The source {source.name} has no data of its own.",
            expected="RECSYS_DATA to name the folder of its files",
            found="no RECSYS_DATA",
            advice=f"RECSYS_SOURCE={source.name} RECSYS_DATA=path/to/files recsys demo",
        )
    return SourceFolder(source, root)


def source_files(folder: SourceFolder, inputs: Inputs, request: Request) -> Output:
    """Every file of the source with its sha256, size, rows and arrival, and whether it could be read."""
    before = inputs.previous()
    known = {} if before is None else dict(before.frame(["path", "days"]).iter_rows())
    files = inspect(folder, inputs, known, tomorrow())
    counts = files.group_by("status").len()
    days = files.select(pl.col("days").explode().unique().sort()).to_series()
    return Output(
        files,
        statistics={f"{status} files": n for status, n in counts.iter_rows()},
        found_partitions=(EVENT_DAYS_NAME, [str(day) for day in days]),
    )


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
    days = with_macros(
        f"""SELECT _file, list_sort(list(DISTINCT day)) AS days
        FROM (SELECT _file, CAST(local_time(event_time) AS DATE) AS day FROM ({sql}))
        WHERE day BETWEEN $earliest_day AND $latest_day GROUP BY _file"""
    )
    found = ask(days, parameters_of(days, source.raw_parameters(tomorrow)))
    return dict(found.iter_rows())


def loadable(files: pl.DataFrame, scans: Iterable[NamedScan]) -> dict[NamedScan, pl.DataFrame]:
    """Of `source_files`, the rows that can be loaded, for each scan."""
    good = files.filter(pl.col("status") == "loaded")
    return {named: good.filter(pl.col("pattern") == str(named.scan)) for named in scans}


def newest_files(lake: Lake) -> pl.DataFrame:
    """The newest `source_files`; without a row before the first."""
    if not lake.has("source_files"):
        return pl.DataFrame(schema=SCHEMA)
    return lake.scan(lake.version("source_files")).collect()


@dataclass(frozen=True)
class FaultyFile:
    """A file that cannot be read, and what is wrong with it, in words."""

    sha256: str
    fault: str


def faulty_days(files: pl.DataFrame) -> dict[str, list[FaultyFile]]:
    """Of `source_files`, the faulty files of each day that they hold, as far as one can tell, by day."""
    days: dict[str, list[FaultyFile]] = defaultdict(list)
    faulty = files.filter(pl.col("status") == "faulty").explode("days").drop_nulls("days").sort("days")
    for day, sha256, fault in faulty.select("days", "sha256", "fault").iter_rows():
        days[str(day)].append(FaultyFile(sha256, fault))
    return dict(days)


def tomorrow() -> date:
    """The first day that no event can have."""
    return datetime.now(timezone.utc).date() + timedelta(days=1)


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


def no_file_changed(inputs: Inputs) -> CheckOutcome:
    """Whether every file that was loaded before has the content that it had then."""
    name = "no_file_changed"
    before = inputs.previous()
    if before is None:
        return CheckOutcome(name, True, "nothing was loaded before")
    inputs.register("files_before", before.frame(["path", "pattern", "sha256"]))
    paths = inputs.query(
        f"""SELECT DISTINCT now.path FROM {OUTPUT} AS now JOIN files_before AS before
        ON now.path = before.path AND now.pattern = before.pattern WHERE now.sha256 <> before.sha256 ORDER BY 1"""
    )["path"].to_list()
    if not paths:
        return CheckOutcome(name, True, "no file changed")
    found = f"{len(paths)} files changed after they were loaded: {', '.join(paths[:5])}; their new content is loaded"
    return CheckOutcome(name, False, found, counts={"files": len(paths)}, where=tuple(paths[:100]))


CHECKS = (
    TableCheck(
        "every_file_can_be_read",
        "every file of the source can be read and has the columns that the source's SQL names",
        f"SELECT path, fault FROM {OUTPUT} WHERE status = 'faulty'",
    ),
    TableCheck(
        "no_file_twice",
        "no file has the content of another; a copy is not loaded",
        f"SELECT path, duplicate_of FROM {OUTPUT} WHERE status = 'duplicate'",
    ),
    TableCheck(
        "no_file_changed",
        "no file that was loaded before has another content now",
        function=no_file_changed,
    ),
)


def asset(folder: SourceFolder) -> dg.AssetsDefinition:
    """`source_files`: looks at the data folder, and registers the days that events have as partitions."""
    compute = partial(source_files, folder)
    text = _source_text(folder)
    code = AssetCode(
        name="source_files",
        code=Code("python", text, str(folder.source.folder)),
        code_version=code_version(compute, {"source": text}),
        covers=lambda: by_module(reachable(compute)),
        upstream=(),
        parameters={"source": folder.source.name},
        checks=CHECKS,
        column_descriptions=texts_of(SourceFilesColumns),
        observe=folder.observe,
        compute=compute,
        opens=(folder.root,),
    )
    return lineage_asset(code, look("raw", kinds={"python", "deltalake"}, description=source_files.__doc__))


def _source_text(folder: SourceFolder) -> str:
    parts = [f"{table}: {query.sql}" for table, query in sorted(folder.source.queries.items())]
    return "\n".join([*parts, repr(folder.source.settings)])
