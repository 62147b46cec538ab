"""`source_files`: every file of the source, with sha256, content, and whether it can be loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, timezone
from functools import partial
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.raw.file_changes import WHAT_IS_NEW, FileChanges, nothing_new
from recsys_assets.assets.raw.file_checks import CHECKS
from recsys_assets.assets.raw.file_contributions import (
    EVENTS,
    FileContribution,
    columns_from,
    days_sql,
    file_contributions,
    tomorrow,
)
from recsys_assets.assets.raw.file_rows import failing_of
from recsys_assets.assets.raw.found_files import EVENT_DAYS_NAME, SCHEMA, SourceFilesColumns, as_found
from recsys_assets.assets.raw.known_files import KnownFiles
from recsys_assets.assets.raw.named_day import named_day
from recsys_assets.assets.raw.previous_listing import (
    PreviousListing,
    Row,
    as_statistic,
    first_day_ahead,
)
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.assets.schema import texts_of
from recsys_assets.shop.changing_values import is_deterministic
from recsys_assets.shop.source import NamedScan
from recsys_lineage.assets.asset_code import REUSE_TAG, AssetCode, Output, Request
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.options import Option
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import open_scan, sql_failed
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.files import DuplicateFile, FileReport, KnownContent, SourceFile, deduplicate
from recsys_lineage.files.parquet.hive_folders import folder_columns
from recsys_lineage.files.path_meaning import path_meanings
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.materialization import Code, Materialization
from recsys_lineage.spelling import folded

FORGET_TEXT = (
    "Files to leave out from now on, by their paths, as recsys forget does; then materialize the raw tables with the "
    f"tag {REUSE_TAG}: true"
)


def source_files(
    folder: SourceFolder, inputs: Inputs, request: Request, *, forget: Collection[str] = ()
) -> Output:
    """Every file of the source with its sha256, size, rows and arrival, and whether it could be read."""
    before = inputs.previous()
    table = pl.DataFrame(schema=SCHEMA) if before is None else as_found(before.frame())
    forget = {*forget, *request.options.get("forget", ())}
    latest = tomorrow()
    last_day = folder.source.settings.last_day or latest
    earlier = PreviousListing() if forget else PreviousListing.of(folder, before, request, last_day)
    files, ahead = inspect(folder, inputs, table, latest, forget, earlier)
    if unknown := sorted(forget - set(table["path"]) - set(files["path"])):
        raise LineageError(
            f"There is no file {unknown[0]!r} to forget.",
            expected="a file's path below the data folder",
            found=", ".join(map(repr, unknown[:5])),
            where=str(folder.root),
            advice=did_you_mean(unknown[0], {*table["path"], *files["path"]})
            or "look at the column path of source_files",
        )
    changes = FileChanges.between(table, files)
    inputs.vouch_for({*changes.new, *changes.changed, *changes.gone})
    counts = files.group_by("status").len()
    days = files.select(pl.col("days").explode().drop_nulls().unique().sort()).to_series()
    statistics: dict[str, Any] = {f"{status} files": n for status, n in counts.iter_rows()}
    return Output(
        files,
        statistics=statistics | changes.as_statistics() | as_statistic(ahead),
        found_partitions=(EVENT_DAYS_NAME, [str(day) for day in days]),
        metadata={WHAT_IS_NEW: dg.MetadataValue.md(changes.in_words())},
        columns_from=partial(columns_from, folder.source, inputs),
    )


def inspect(
    folder: SourceFolder,
    inputs: Inputs,
    before: pl.DataFrame,
    tomorrow: date,
    forget: Collection[str] = (),
    earlier: PreviousListing | None = None,
) -> tuple[pl.DataFrame, date | None]:
    """Read every file of the source to its end and report its content, with one row per file and pattern.

    Args:
        folder: the source and its folder.
        inputs: opens the files, and notes them as read.
        before: the previous table: the days of each path, the files that were loaded, and those forgotten.
        tomorrow: no event can be later.
        forget: paths whose files are left out from now on, until they have another content.
        earlier: findings in `before` that are still valid, so that files they cover need not be read again.

    Returns:
        The table, and the first day of events that lie too far in the future; None if there are none.

    Raises:
        NoFiles: the folder is missing, or holds no file and never did.
    """
    earlier = earlier or PreviousListing()
    listed = folder.listed()
    if not any(listed.values()) and before.is_empty():
        raise folder.no_files()
    memory = KnownFiles(before, frozenset(forget), {named.scan.described() for named in listed})
    known = earlier.known(listed, memory.rows)
    rows = [
        row
        for named, files in listed.items()
        for row in _of_scan(folder, inputs, memory, named, files, known.get(named, {}))
    ]
    contributions = _contributions(folder, inputs, tomorrow)
    with_events = {named.scan.described(): named for named in folder.source.table_scans("raw_events")}
    by_file = folder.scans_by_file("raw_events")
    for row in rows:
        if row["given"] is not None or row["status"] in ("gone", "forgotten"):
            continue
        named = with_events.get(str(row["pattern"]))
        _note_contribution(row, memory.of(row), contributions, named, gives_events=named in by_file)
    days_ahead = [each.ahead for each in (*contributions.values(), earlier) if each.ahead is not None]
    return pl.DataFrame(rows, schema=SCHEMA).sort("path", "pattern"), min(days_ahead, default=None)


def _of_scan(
    folder: SourceFolder,
    inputs: Inputs,
    memory: KnownFiles,
    named: NamedScan,
    files: list[SourceFile],
    known: Mapping[tuple[str, str], KnownContent],
) -> list[Row]:
    """The rows of one scan's files, without their contribution to events unless they were read again."""
    pattern = named.scan.described()
    left_out = [file for file in files if memory.is_forgotten(file.path, pattern, file.sha256)]
    there = [file for file in files if file not in left_out]
    remembered = memory.loaded(named.scan)
    means = _meanings(folder, named, [*(file.path for file in there), *(row["path"] for row in remembered)])
    held_in = memory.contents(folder, files, pattern)
    unique, duplicates = deduplicate(there, means, held_in)
    opened = open_scan(
        inputs,
        folder.root,
        named.scan,
        unique,
        named.relation,
        required_columns=named.required_columns,
        named_at=named.named_at,
        decode=True,
        known=known,
    )
    rows = [_reported(named, report) for report in opened.reports]
    for row, report in zip(rows, opened.reports, strict=True):
        if report.known:
            before = memory.of(row)
            row |= {"given": before["given"], "days": before["days"]}
    held = {report.file.path: report for report in opened.reports}
    rows += [_copied(folder, inputs, named, copy, held[copy.duplicate_of]) for copy in duplicates]
    rows += [_row(named, file) | {"status": "forgotten"} for file in left_out]
    for file in (*left_out, *(copy.file for copy in duplicates)):
        inputs.file(file.path, bytes=file.bytes, sha256=file.sha256, root=str(folder.root))
    for row in rows:
        row["content"] = held_in.get(row["path"], row["sha256"])
    readable = {
        (row["content"], means[row["path"]]): row["path"] for row in rows if row["status"] == "loaded"
    }
    for row in rows:
        if row["status"] == "faulty" and (content := memory.content_before_fault(row)) is not None:
            other = readable.get((content, means[row["path"]]))
            if other is not None and memory.was_copied(row, other):
                memory.drop(row)
                continue
            row["content"] = content
            if other is not None:
                row |= {"status": "duplicate", "duplicate_of": other}
    present = {file.path for file in files}
    for row in remembered:
        # the same content at another path that means the same is the file moved, or compressed
        if row["path"] not in present and (row["content"], means[row["path"]]) not in readable:
            rows.append(row | {"status": "gone", "fault": None})
    return rows


def _meanings(folder: SourceFolder, named: NamedScan, paths: list[str]) -> dict[str, tuple[Any, ...]]:
    """Values that the source takes from each path: expressions of its SQL, columns of its folders, an undated day."""
    wanted = {folded(column) for column in named.required_columns}
    taken = {
        path: (*values, *(pair for pair in folder_columns(path).items() if folded(pair[0]) in wanted))
        for path, values in path_meanings(folder.path_expressions(named), paths).items()
    }
    if not folder.source.settings.undated:
        return taken
    return {path: (*values, named_day(path)) for path, values in taken.items()}


def _reported(named: NamedScan, report: FileReport) -> Row:
    return _row(named, report.file) | {
        "rows": report.rows,
        "malformed": report.malformed,
        "status": "faulty" if report.fault else "loaded",
        "fault": str(report.fault) if report.fault else None,
    }


def _copied(
    folder: SourceFolder, inputs: Inputs, named: NamedScan, copy: DuplicateFile, original: FileReport
) -> Row:
    """The row of a file with the content of another; a copy without rows is no duplicate: it says that there was no
    data."""
    if original.rows == 0:
        return _reported(named, replace(original, file=copy.file))
    return _row(named, copy.file) | {"status": "duplicate", "duplicate_of": copy.duplicate_of}


def _note_contribution(
    row: Row,
    before: Row,
    contributions: Mapping[str, FileContribution],
    events: NamedScan | None,
    *,
    gives_events: bool,
) -> None:
    """Set `given` and `days` of a file.

    Args:
        row: of the file, so far.
        before: its previous row.
        contributions: contribution of each file to raw_events.
        events: its scan, where raw_events reads it.
        gives_events: whether each of its rows becomes events.
    """
    row["days"] = []
    if row["status"] == "faulty":
        row["given"] = before.get("given")
    elif events is None or not (gives_events or row["path"] in contributions):
        row["given"] = row["rows"]
    else:
        row["given"] = contributions.get(row["path"], FileContribution(0, [])).rows + row["malformed"]
    if events is None or row["status"] == "duplicate":
        return
    named = named_day(row["path"])
    if row["status"] == "faulty":
        # of a file that never could be read only its name may tell the day
        row["days"] = before.get("days") or ([named] if named is not None and gives_events else [])
        return
    row["days"] = contributions.get(row["path"], FileContribution(0, [])).days
    if not row["days"] and (gives_events or row["malformed"] or row["path"] in contributions):
        row["days"] = before.get("days") or [named or row["arrival"].date()]


def _contributions(folder: SourceFolder, inputs: Inputs, tomorrow: date) -> dict[str, FileContribution]:
    """Contribution of each opened file to raw_events; a row at which the SQL fails counts, but has no day.

    Raises:
        SqlFailed: it is the SQL itself that is wrong.
    """
    source = folder.source
    try:
        return file_contributions(source, inputs.query, tomorrow)
    except duckdb.Error as error:
        failing = failing_of(folder, inputs, EVENTS, error)
        if not failing:
            raise sql_failed(inputs, source.written(EVENTS), error) or error from None
    contributions = file_contributions(
        source, inputs.query, tomorrow, failing.without(source.relations(EVENTS))
    )
    for path, lines in failing.rows.items():
        held = contributions.get(path, FileContribution(0, []))
        contributions[path] = replace(held, rows=held.rows + len(lines))
    return contributions


def _row(named: NamedScan, file: SourceFile) -> Row:
    return {
        "path": file.path,
        "pattern": named.scan.described(),
        "sha256": file.sha256,
        "content": file.sha256,
        "bytes": file.bytes,
        "rows": None,
        "malformed": 0,
        "given": None,
        "arrival": file.modified.replace(tzinfo=None),
        "status": "loaded",
        "duplicate_of": None,
        "fault": None,
        "days": [],
    }


def due(folder: SourceFolder, record: Materialization) -> str | None:
    """The reason why the files must be listed again though none changed: a future day has come, or the SQL reads a
    clock."""
    limit = folder.source.settings.last_day or tomorrow()
    ahead = first_day_ahead(record)
    if ahead is not None and ahead <= limit:
        return f"{ahead} has come, of which files have events"
    is_older = record.started.date() < datetime.now(timezone.utc).date()
    if is_older and not is_deterministic(folder.source.queries[EVENTS].sql):
        return "the SQL of raw_events reads a clock"
    return None


def asset(folder: SourceFolder, forget: Collection[str] = ()) -> dg.AssetsDefinition:
    """`source_files`: lists the data folder, and registers the days of its events as partitions.

    Args:
        folder: the source and its folder.
        forget: paths that are left out from its next run on.
    """
    compute = partial(source_files, folder)
    text = _source_text(folder)
    code = AssetCode(
        name="source_files",
        code=Code("python", text, str(folder.source.folder)),
        code_version=code_version(compute, {"source": text, "days": days_sql(folder.source)}),
        covers=CoveredCode(compute),
        upstream=(),
        parameters={"source": folder.source.name},
        checks=CHECKS,
        column_descriptions=texts_of(SourceFilesColumns),
        observe=folder.observe,
        due=partial(due, folder),
        compute=compute,
        opens=(folder.root,),
    )
    options = {"forget": Option(list[str], [], FORGET_TEXT)}
    code = replace(code, compute=partial(compute, forget=frozenset(forget)), options=options)
    return lineage_asset(
        code, look("raw", kinds={"python", "deltalake"}, description=source_files.__doc__, shown=nothing_new)
    )


def _source_text(folder: SourceFolder) -> str:
    parts = [f"{table}: {query.sql}" for table, query in sorted(folder.source.queries.items())]
    return "\n".join([*parts, repr(folder.source.settings)])
