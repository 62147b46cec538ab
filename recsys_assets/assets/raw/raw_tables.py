"""The four raw tables: what the source's files hold, as its SQL maps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.assets.looks import look
from recsys_assets.assets.raw.day_plan import FORGET, RENAMED, RETAINED, EventScans, day_plan
from recsys_assets.assets.raw.file_contributions import tomorrow
from recsys_assets.assets.raw.file_rows import (
    MOST_SHOWN,
    FaultyFiles,
    columns_for_both,
    failing_of,
    open_files,
    rows_failed,
    rows_with_missing,
    rows_with_retained,
)
from recsys_assets.assets.raw.found_files import (
    EVENT_DAYS_NAME,
    as_found,
    inputs_digest,
    loadable,
    newest_files,
    with_status,
    without_files,
)
from recsys_assets.assets.raw.raw_events import raw_events
from recsys_assets.assets.raw.raw_shape import require_plain, rounded_ids
from recsys_assets.assets.raw.service_events import DAYS as SERVICE_DAYS
from recsys_assets.assets.raw.service_events import TABLE as SERVICE_TABLE
from recsys_assets.assets.raw.service_events import ServiceEvents
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.raw_columns import TRACE
from recsys_assets.shop.source import NamedScan
from recsys_assets.shop.source_reference import COLUMNS as SOURCE_COLUMNS
from recsys_assets.sql import load_sql
from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request, Unchanged
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.materialize import explaining
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.scanned_files import sql_failed
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.row_keys import RowKeys
from recsys_lineage.records.records import Records
from recsys_lineage.sql.names import literal
from recsys_lineage.sql.sql_text import SqlText

EVENT_DAYS = dg.DynamicPartitionsDefinition(name=EVENT_DAYS_NAME)


@dataclass(frozen=True)
class WholeTable:
    """A raw table that is loaded as a whole.

    Attributes:
        description: text of the asset.
        key: its key column, if the table can be assembled from the files of events.
    """

    description: str
    key: str | None = None


TABLES = {
    "raw_users": WholeTable(
        "What the source says about customers, as it arrived, with file and line.", key="user_id"
    ),
    "raw_items": WholeTable(
        "What the source says about products, as it arrived, with file and line.", key="item_id"
    ),
    "raw_promotions": WholeTable(
        "What the source says about promotions and coupons, as it arrived, with file and line."
    ),
}
ADDED = {
    "_fault": "Why the line could not be split into its columns; null where it could.",
    "_row": "The text of a line that could not be split.",
    "_day": "The day of the event, by which the table is partitioned.",
    "_event_id": "The id of an event that the service received; null for events of the source's files.",
    "_row_hash": "A hash of the whole row of the file; it identifies copies where lines have no number.",
}
"""Columns that loading adds to those of the source's SQL."""


def raw_table(folder: SourceFolder, table: str, inputs: Inputs, request: Request) -> Output | Unchanged:
    """Every row of the files of one table; for files that are gone or unreadable, the previous rows.

    Rows may be assembled from many files of events, such as a product's title from all files that name it. If one of
    these files is gone, customers and products that no file names any more stay as they were.
    """
    files = as_found(inputs.frame("source_files"))
    before = inputs.previous()
    plan = _TablePlan.of(files, folder, table, request.code_version)
    if before is not None and before.record.takes in plan.right and (request.reuse or plan.hindrances):
        return Unchanged()
    if plan.hindrances:
        raise _cannot_load(table, plan.hindrances)
    open_files(folder, inputs, plan.chosen)
    query = folder.source.query(table)
    explain = partial(_explained, folder, table, inputs)
    with explaining(explain):
        query_columns = inputs.columns_of(query)
        require_plain(table, query_columns, folder.source.file_of(table))
        rounded = [*rounded_ids(query, query_columns, lambda sql: inputs.query(sql).row(0))]
        scans = folder.source.table_scans(table)
        lost = _without_sql(folder, table) or without_files(files, scans)
        no_value = folder.source.settings.rule_parameters()["no_value"]
        had = None if before is None else before.record.rows
        if emptied := _emptied(table, plan, lost, inputs, query, had, no_value):
            if request.reuse:
                raise _cannot_load(table, [emptied])
            rounded.append(emptied)
        for warning in rounded:
            tell(Progress(table, "note", warning))
    if before is None or not plan.retained:
        return Output(Query(query, explain=explain), takes=plan.right[-1], warnings=rounded)
    schema = before.record.schema
    inputs.view(table)
    inputs.vouch_for(plan.retained)
    retained, wanted = (
        f"{table} WHERE _file IN (SELECT unnest($kept))",
        columns_for_both(query_columns, schema),
    )
    if plan.merged and (key := TABLES[table].key):
        sql = rows_with_missing(query, query_columns, wanted, {retained: schema}, key)
    else:
        sql = rows_with_retained(query, query_columns, wanted, {retained: schema})
    words = f"the rows of {len(plan.retained)} files were kept as they were: {', '.join(plan.retained[:5])}"
    return Output(
        Query(sql, {"kept": plan.retained}, explain), takes=plan.right[-1], warnings=[words, *rounded]
    )


@dataclass(frozen=True)
class _TablePlan:
    """Plan of a raw table that is loaded as a whole.

    Attributes:
        chosen: the files to open, for each scan.
        retained: the files whose previous rows are kept: they are gone, or cannot be read any more.
        merged: whether kept rows count only if no file describes the same customer or product.
        right: hashes of files and code for which the table is up to date; the last one is that of a new version.
        hindrances: reasons why it cannot be written.
    """

    chosen: dict[NamedScan, pl.DataFrame]
    retained: list[str]
    merged: bool
    right: tuple[str, ...]
    hindrances: list[str]

    @classmethod
    def of(cls, files: pl.DataFrame, folder: SourceFolder, table: str, code_version: str) -> _TablePlan:
        """The plan for what `source_files` found."""
        scans = folder.source.table_scans(table)
        own = folder.scans_by_file(table)
        chosen = loadable(files, scans)
        of_events = {each.scan for each in folder.scans_by_file("raw_events")}
        # of a scan that is joined with others, a file may be what fills columns of rows that stay
        is_of_events = len(chosen) == 1 and all(each.scan in of_events for each in chosen)
        can_merge = TABLES[table].key is not None and is_of_events
        merged = False
        hindrances: set[str] = set()
        retained: set[str] = set()
        for named, frame in chosen.items():
            faulty = with_status(files, [named], "faulty")
            gone = with_status(files, [named], "gone")
            if frame.is_empty() or named not in own:
                hindrances.update(faulty["fault"])
            if named not in own and can_merge:
                merged = merged or not gone.is_empty()
            elif named not in own:
                hindrances.update(
                    f"{path}: the file is gone, and every row of {table} may depend on it. "
                    f"What to do: {FORGET.format(path=path)}"
                    for path in gone["path"]
                )
            retained.update(pl.concat([gone, faulty.filter(pl.col("given") > 0)])["path"])
        loaded = [pair for frame in chosen.values() for pair in frame["path", "sha256"].iter_rows()]
        gone = with_status(files, scans, "gone")
        made = inputs_digest([*loaded, *gone["path", "sha256"].iter_rows()], code_version)
        with_retained = inputs_digest([*loaded, *((path, RETAINED) for path in retained)], code_version)
        only_gone = retained == set(gone["path"])
        right = (made, with_retained) if retained and only_gone else (with_retained,)
        return cls(chosen, sorted(retained), merged, right, sorted(hindrances))


def _emptied(
    table: str, plan: _TablePlan, lost: str, inputs: Inputs, query: str, rows: int | None, no_value: str
) -> str:
    """The reason why a table is not made of files without any row that has an id, or of none: customers and products do
    not all end in one night; empty if it has such rows, or never had any.

    Args:
        lost: the reason why it is made of no files.
        query: the SELECT of its rows.
        rows: the number that it had.
        no_value: the pattern of texts that mean that there is no value.
    """
    paths = [path for frame in plan.chosen.values() for path in frame["path"]]
    if rows and lost and not plan.retained:
        return f"{lost}; {table} has {rows:,} rows. What to do: {RENAMED} {table}"
    key = TABLES[table].key
    if key is None or not rows or not paths or plan.retained:
        return ""
    sql = (
        f"SELECT count(*), count(*) FILTER (NOT regexp_matches(trim(CAST({key} AS VARCHAR)), {literal(no_value)})) "
        f"FROM ({query})"
    )
    given, with_id = inputs.query(sql).row(0)
    if with_id:
        return ""
    shown = ", ".join(paths[:MOST_SHOWN])
    left = f"none of the {given:,} rows of {table} has a {key}" if given else f"no row of {table} is left"
    return (
        f"{shown}: {left}, which had {rows:,}. What to do: deliver the files again, or empty the table by: recsys "
        f"materialize {table}"
    )


def _without_sql(folder: SourceFolder, table: str) -> str:
    """The reason why a table is made of nothing, if the source has no SQL for it; else empty."""
    if table in folder.source.queries:
        return ""
    gone = folder.source.file_of(table)
    return f"{gone} is gone, from which the table was made: put it back, if it was deleted by mistake"


def _explained(folder: SourceFolder, table: str, inputs: Inputs, error: Exception) -> LineageError | None:
    """Explanation of an error of DuckDB: a row at which the source's SQL fails, or a place in that SQL."""
    if table not in folder.source.queries:
        return None
    if failing := failing_of(folder, inputs, table, error):
        return rows_failed(f"{table} cannot be loaded.", failing, table)
    return sql_failed(inputs, folder.source.written(table), error)


def _cannot_load(table: str, reasons: list[str]) -> FaultyFiles:
    return FaultyFiles(
        f"{table} cannot be loaded.\n  " + "\n  ".join(reasons),
        where=table,
        advice=f"follow the advice for each file, materialize source_files, then {table}; readers still see the "
        "previous version",
    )


CHECKS = (
    TableCheck(
        "every_row_has_file_and_line",
        "every row has the file and line that it came from",
        f"SELECT * FROM {OUTPUT} WHERE _file IS NULL OR _line IS NULL",
        blocking=True,
    ),
)


def assets(folder: SourceFolder, service: ServiceEvents | None = None) -> list[dg.AssetsDefinition]:
    """The four raw tables, `raw_events` with a partition an event day.

    Args:
        folder: the source and its folder.
        service: events of the service that join those of the files; None without a service.
    """
    raw = look(
        "raw", kinds={"sql", "duckdb", "deltalake"}, personal="what the shop's files hold, as it arrived"
    )
    by_day = replace(
        raw,
        description=raw_events.__doc__,
        partitions_def=EVENT_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    return [
        lineage_asset(_events_code(folder, service), by_day),
        *(
            lineage_asset(_table_code(folder, table), replace(raw, description=declared.description))
            for table, declared in TABLES.items()
        ),
    ]


def _events_code(folder: SourceFolder, service: ServiceEvents | None) -> AssetCode:
    scans = EventScans.of(folder)

    def takes(lake: Lake) -> dict[str, str]:
        before = Records(lake).latest("raw_events")
        known = before.takes if before is not None else {}
        service_days = {} if service is None else service.stored_days(lake, tomorrow())
        plan = day_plan(newest_files(lake), scans, code.code_version, known, service_days)
        return plan.taken(plan.changed)

    code = _raw_code(folder, "raw_events", partial(raw_events, folder, service), takes, service)
    return code


def _table_code(folder: SourceFolder, table: str) -> AssetCode:
    def takes(lake: Lake) -> str:
        right = _TablePlan.of(newest_files(lake), folder, table, code.code_version).right
        before = Records(lake).latest(table)
        return before.takes if before is not None and before.takes in right else right[-1]

    code = _raw_code(folder, table, partial(raw_table, folder, table), takes)
    return code


def _raw_code(
    folder: SourceFolder,
    table: str,
    compute: Compute,
    takes: Callable[[Lake], Any],
    service: ServiceEvents | None = None,
) -> AssetCode:
    query = folder.source.query(table)
    origin = folder.source.folder / f"{table}.sql"
    limits = folder.source.raw_parameters(date.max) if table == "raw_events" else {}
    scans = {named.relation: named.scan.described() for named in folder.source.table_scans(table)}
    service_parameters = {} if service is None else {"service": service.as_parameters()}
    return AssetCode(
        name=table,
        code=Code("sql", query, str(origin), "duckdb"),
        code_version=code_version(
            compute, {"sql": query, "scans": scans, "limits": limits, **service_parameters}
        ),
        covers=CoveredCode(compute),
        compute=compute,
        upstream=("source_files",) if service is None else ("source_files", SERVICE_DAYS),
        looks_at=() if service is None else (SERVICE_TABLE,),
        parameters={"source": folder.source.name, **service_parameters},
        takes=takes,
        opens=(folder.root,),
        column_descriptions=_column_descriptions(table),
        checks=CHECKS,
        column_types=folder.source.column_types(table),
        keys=RowKeys(TRACE if service is not None else ()),
    )


def _column_descriptions(table: str) -> dict[str, str]:
    """Texts of a raw table's columns: those of its clean table; where that lacks a column, those of `docs/data.md`."""
    known = {name: text.values for name, text in SOURCE_COLUMNS[table].items()}
    return known | ADDED | SqlText(load_sql("clean", CLEAN_OF[table])).column_descriptions
