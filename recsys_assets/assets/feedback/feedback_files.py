"""`feedback_files`: the files that the service has closed, with their content and days."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.feedback.stream_table import STREAM_TABLES
from recsys_assets.assets.looks import look
from recsys_assets.assets.raw.found_files import EVENT_DAYS_NAME
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.service.feedback.feedback_log import Stream, closed_files
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.sql.load import FOLDER, load_text
from recsys_lineage.assets.asset_code import AssetCode, Output, Request
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import open_scan
from recsys_lineage.files import (
    FileReport,
    KnownContent,
    SourceFile,
    SourceQuery,
    hashed_file,
    parse_source_sql,
)
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.materialization import Code

NAME = "feedback_files"
LINES = "feedback_lines"
MOST_SHOWN = 5


class FeedbackFilesColumns:
    """Columns of `feedback_files`, one row a file."""

    path = pl.String
    """The file, below the home."""
    stream = pl.String
    """Kind of its lines: exposures, events or searches."""
    sha256 = pl.String
    """Hash of the file."""
    bytes = pl.Int64
    """Its size."""
    lines = pl.Int64
    """Its lines; null where it cannot be read."""
    damaged = pl.Int64
    """Lines that give no row; the last line of a file, which a kill may have torn, is not counted."""
    status = pl.String
    """loaded, faulty (it cannot be read) or gone (it was loaded and then deleted; its rows are kept)."""
    fault = pl.String
    """Fault of a file that cannot be read; null for others."""
    days = pl.List(pl.Date)
    """The days of its lines, by the shop's clock."""


SCHEMA = types_of(FeedbackFilesColumns)


def stored_files(lake: Lake) -> pl.DataFrame:
    """The newest `feedback_files`; empty before the first version."""
    stored = lake.latest(NAME)
    return pl.DataFrame(schema=SCHEMA) if stored is None else lake.scan(stored).collect()


@cache
def query_of(stream: Stream) -> SourceQuery:
    """The SQL that turns a stream's lines into rows."""
    path = FOLDER / "service" / f"{STREAM_TABLES[stream].name}.sql"
    return parse_source_sql(load_text(path), str(path), bound=True)


def relation_of(stream: Stream) -> str:
    """The name under which the lines of a stream's files are opened."""
    return f"{LINES}_{stream}"


def rows_sql(stream: Stream) -> str:
    """The SELECT of a stream's rows over `relation_of`; it has the parameter `time_zone`."""
    query = query_of(stream)
    return query.rewritten({scan: relation_of(stream) for scan in query.scans})


def opened(
    files: ServiceFiles,
    inputs: Inputs,
    stream: Stream,
    listed: list[SourceFile],
    known: Mapping[tuple[str, str], KnownContent] | None = None,
) -> tuple[FileReport, ...]:
    """Open the files of a stream on the run's connection, named by `relation_of`; returns each file's content."""
    (scan,) = query_of(stream).scans
    required = query_of(stream).required_columns[scan]
    found = open_scan(inputs, files.home, scan, listed, relation_of(stream), required, known=known)
    return found.reports


def closed(files: ServiceFiles, stream: Stream) -> list[SourceFile]:
    """The closed files of a stream, with their hashes, oldest first."""
    inside = files.home.resolve()
    return [
        hashed_file(path, f"{files.feedback.name}/{path.name}", inside)
        for path in closed_files(files.feedback, stream)
    ]


def feedback_files(files: ServiceFiles, time_zone: str, inputs: Inputs, request: Request) -> Output:
    """Every file that the service has closed, with its sha256, lines and days; empty while there is none."""
    before = inputs.previous()
    table = pl.DataFrame(schema=SCHEMA) if before is None else before.frame()
    is_same = before is not None and before.record.code_version == request.code_version
    known = {
        (row["path"], row["sha256"]): row for row in table.iter_rows(named=True) if row["status"] == "loaded"
    }
    rows: list[dict[str, Any]] = []
    damaged: list[str] = []
    for stream in STREAM_TABLES:
        listed = closed(files, stream)
        holds = {
            key: KnownContent(row["lines"], columns=("line",))
            for key, row in known.items()
            if is_same and row["stream"] == stream
        }
        reports = opened(files, inputs, stream, listed, holds)
        made, places = _line_counts(inputs, stream, time_zone)
        damaged += places
        rows += [_row(stream, report, known, made) for report in reports]
    there = {row["path"] for row in rows}
    rows += [
        row | {"status": "gone", "fault": None}
        for row in table.iter_rows(named=True)
        if row["path"] not in there and row["status"] != "faulty"
    ]
    found = pl.DataFrame(rows, schema=SCHEMA).sort("path")
    inputs.vouch_for(found["path"].to_list())
    days = found.select(pl.col("days").explode().drop_nulls().unique().sort()).to_series()
    warnings = []
    if damaged:
        shown = ", ".join(damaged[:MOST_SHOWN])
        warnings.append(f"{len(damaged)} lines of the service's files cannot be read: {shown}")
    for path, fault in found.filter(pl.col("status") == "faulty").select("path", "fault").iter_rows():
        warnings.append(f"{path} is left out: {fault}")
    counts = {
        f"{status} files": count
        for status, count in found.group_by("status").len().sort("status").iter_rows()
    }
    sums = {name: int(found[name].sum()) for name in ("lines", "damaged")}
    return Output(
        found,
        statistics={**counts, **sums},
        found_partitions=(EVENT_DAYS_NAME, [str(day) for day in days]),
        warnings=warnings,
    )


def _line_counts(
    inputs: Inputs, stream: Stream, time_zone: str
) -> tuple[dict[str, tuple[int, list[Any]]], list[str]]:
    """Number of damaged lines, their places, and the days of the other lines, for each opened file."""
    rows, lines = rows_sql(stream), relation_of(stream)
    every = f"SELECT _file, _line FROM {lines} UNION ALL SELECT _file, _line FROM {lines}_malformed"
    parameters = {"time_zone": time_zone}
    held = inputs.query(
        f"SELECT _file, list_sort(list(DISTINCT day)) AS days FROM ({rows}) AS logged GROUP BY _file",
        parameters,
    )
    lost = inputs.query(
        f"""SELECT _file, list(_line ORDER BY _line) AS places
        FROM (SELECT _file, _line, max(_line) OVER (PARTITION BY _file) AS last FROM ({every}) AS every_line) AS placed
        ANTI JOIN (SELECT DISTINCT _file, _line FROM ({rows}) AS logged) AS read USING (_file, _line)
        WHERE _line < last
        GROUP BY _file ORDER BY _file""",
        parameters,
    )
    places = dict(lost.iter_rows())
    days = dict(held.iter_rows())
    made = {path: (len(places.get(path, ())), days.get(path) or []) for path in {*places, *days}}
    return made, [f"{path}:{line}" for path, numbers in places.items() for line in numbers]


def _row(
    stream: Stream,
    report: FileReport,
    known: Mapping[tuple[str, str], Mapping[str, Any]],
    made: Mapping[str, tuple[int, list[Any]]],
) -> dict[str, Any]:
    file = report.file
    row: dict[str, Any] = {
        "path": file.path,
        "stream": stream,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "status": "loaded" if report.fault is None else "faulty",
        "fault": None if report.fault is None else str(report.fault),
    }
    if report.known:
        held = known[file.path, file.sha256]
        return row | {name: held[name] for name in ("lines", "damaged", "days")}
    damaged, days = made.get(file.path, (0, []))
    return row | {"lines": report.rows, "damaged": damaged, "days": days}


def observed(files: ServiceFiles) -> str:
    """Text that changes whenever the closed files change."""
    seen = [
        (path.name, path.stat().st_size)
        for stream in STREAM_TABLES
        for path in closed_files(files.feedback, stream)
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


CHECKS = (
    unique("path"),
    TableCheck(
        "every_line_can_be_read",
        "every line of the service's files can be read, except lines cut off by a kill",
        f"SELECT path FROM {OUTPUT} WHERE damaged > 0 OR status = 'faulty'",
    ),
    TableCheck(
        "no_feedback_file_gone",
        "every file that was loaded is still there; the rows of one that is gone are kept",
        f"SELECT path FROM {OUTPUT} WHERE status = 'gone'",
    ),
)


def asset(files: ServiceFiles, time_zone: str) -> dg.AssetsDefinition:
    """`feedback_files` of a home; registers the days as partitions.

    Args:
        files: where the service keeps its files.
        time_zone: the shop's clock.
    """
    compute = partial(feedback_files, files, time_zone)
    text = "\n".join(rows_sql(stream) for stream in STREAM_TABLES)
    code = AssetCode(
        name=NAME,
        code=Code("python", text, __file__),
        code_version=code_version(compute, {"sql": text, "time_zone": time_zone}),
        covers=CoveredCode(compute),
        upstream=(),
        compute=compute,
        parameters={"time_zone": time_zone},
        checks=CHECKS,
        column_descriptions=texts_of(FeedbackFilesColumns),
        observe=partial(observed, files),
        columns_from={column: {} for column in SCHEMA},  # of files alone
    )
    return lineage_asset(code, look("raw", kinds={"python", "deltalake"}, description=feedback_files.__doc__))
