"""`exposures`, `feedback` and `searches`: what the service showed, what customers did and searched for, by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.feedback.feedback_files import NAME as FILES
from recsys_assets.assets.feedback.feedback_files import (
    closed,
    opened,
    query_of,
    rows_sql,
    stored_files,
)
from recsys_assets.assets.feedback.stream_table import DAY, ITEMS, STREAM_TABLES
from recsys_assets.assets.looks import look
from recsys_assets.assets.raw.found_files import inputs_digest
from recsys_assets.assets.raw.raw_tables import EVENT_DAYS
from recsys_assets.service.feedback.feedback_log import Stream
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.sql import load_sql
from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request, Unchanged
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import FilesChanged
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText

_TYPES = {
    "day": "DATE",
    "time": "TIMESTAMP",
    "model_version": "BIGINT",
    "index_version": "BIGINT",
    "cold": "BOOLEAN",
    "personal": "BOOLEAN",
    "simulated": "BOOLEAN",
    "position": "BIGINT",
    "propensity": "DOUBLE",
    "value": "DOUBLE",
    "items": "VARCHAR[]",
    "found": "BIGINT",
    "_line": "BIGINT",
}
"""DuckDB types of the columns that are not text."""


@dataclass(frozen=True)
class FeedbackPlan:
    """Plan of the days of a stream's table that have to be written.

    Attributes:
        digests: day → a hash of the files that its rows are made of, and of the code.
        known: the same for the current content of the table.
    """

    digests: Mapping[str, str]
    known: Mapping[str, str]

    @classmethod
    def of(
        cls, found: pl.DataFrame, stream: Stream, version: str, known: Mapping[str, str] | None
    ) -> FeedbackPlan:
        """The plan for what `feedback_files` found.

        Args:
            found: `feedback_files`.
            stream: of the service's log.
            version: of the code.
            known: digest of what the table holds, by day.
        """
        files: dict[str, list[tuple[str, str]]] = defaultdict(list)
        own = found.filter((pl.col("stream") == stream) & pl.col("status").is_in(["loaded", "gone"]))
        for path, sha256, days in own.select("path", "sha256", "days").iter_rows():
            for day in days:
                files[str(day)].append((path, sha256))
        return cls({day: inputs_digest(held, version) for day, held in files.items()}, dict(known or {}))

    @property
    def changed(self) -> list[str]:
        """The days that have to be written because their content is out of date."""
        return sorted(day for day, digest in self.digests.items() if self.known.get(day) != digest)

    def taken(self, written: Iterable[str]) -> dict[str, str]:
        """Content of the table, by day, after some days are written."""
        now = {day: self.digests[day] for day in written if day in self.digests}
        return dict(sorted({**self.known, **now}.items()))


def feedback_rows(
    files: ServiceFiles, stream: Stream, time_zone: str, inputs: Inputs, request: Request
) -> Output | Unchanged:
    """The rows of a stream's table for the days whose files changed; for files that are gone, the previous rows."""
    table, found = STREAM_TABLES[stream].name, inputs.frame(FILES)
    before = inputs.previous()
    held = None if before is None else inputs.version(table, (), ())
    is_divided = held is not None and held.partition_column == DAY
    known = before.record.takes if before is not None and is_divided else None
    plan = FeedbackPlan.of(found, stream, request.code_version, known)
    due = plan.changed if request.reuse else sorted(plan.digests)
    wanted = due if request.partitions is None else [day for day in request.partitions if day in plan.digests]
    if is_divided and not wanted:
        return Unchanged()
    own = found.filter(pl.col("stream") == stream)
    gone = own.filter(pl.col("status") == "gone")["path"].to_list()
    _open(files, inputs, stream, own, wanted)
    in_days = f"list_contains($days, CAST({DAY} AS VARCHAR))"
    kept = ""
    values: dict[str, Any] = {"time_zone": time_zone, "days": wanted}
    if is_divided and gone:
        inputs.view(table)
        columns = ", ".join(query_of(stream).columns)
        kept = (
            f"\nUNION ALL\nSELECT {columns} FROM {table} WHERE {in_days} AND _file IN (SELECT unnest($gone))"
        )
        values["gone"] = gone
    inputs.vouch_for([time_zone, *gone])
    copies = _copies(inputs, stream, values, table if is_divided else None, gone)
    sql = f"SELECT * FROM ({rows_sql(stream)}) AS logged WHERE {in_days}"
    if copies:
        sql += " AND NOT list_contains($copies, _file || ':' || _line)"
        values["copies"] = copies
        inputs.vouch_for(copies)  # places in files
    return Output(
        Query(sql + kept, values),
        partition_by=DAY,
        partitions=wanted if is_divided else None,
        statistics={"days": len(wanted), "duplicates": len(copies)},
        takes=plan.taken(wanted),
        partition_files={day: [path for path, days in _days_of(own) if day in days] for day in wanted},
    )


def _days_of(own: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """Path and days of each existing file."""
    there = own.filter(pl.col("status") == "loaded")
    return [(path, [str(day) for day in days]) for path, days in there.select("path", "days").iter_rows()]


def _open(files: ServiceFiles, inputs: Inputs, stream: Stream, own: pl.DataFrame, days: list[str]) -> None:
    """Open the files of some days, checked to be those that `feedback_files` listed.

    Raises:
        FilesChanged: one has changed or is gone.
    """
    wanted = {path for path, held in _days_of(own) if not set(held).isdisjoint(days)}
    seen = {path: sha for path, sha in own.select("path", "sha256").iter_rows() if path in wanted}
    listed = [file for file in closed(files, stream) if file.path in wanted]
    there = {file.path: file.sha256 for file in listed}
    for path, sha256 in seen.items():
        if there.get(path) != sha256:
            raise FilesChanged(
                f"The file {path} is not what it was when {FILES} listed it.",
                expected=f"sha256 {sha256[:16]}…",
                found=f"sha256 {there[path][:16]}…" if path in there else "no file",
                where=str(files.home / path),
                advice=f"materialize {FILES}, then this asset again",
            )
    opened(files, inputs, stream, listed)


def _copies(
    inputs: Inputs, stream: Stream, values: Mapping[str, Any], before: str | None, gone: list[str]
) -> list[str]:
    """File and line of rows that repeat a row of these files or one that the table keeps."""
    key = ", ".join(STREAM_TABLES[stream].key)
    parameters = {name: values[name] for name in ("time_zone", "days")}
    wanted = f"CAST({DAY} AS VARCHAR) IN (SELECT unnest($days))"
    rows = f"(SELECT {key}, _file, _line FROM ({rows_sql(stream)}) AS logged WHERE {wanted}) AS new"
    sql = f"""SELECT _file || ':' || _line AS place
        FROM (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _file, _line) AS copy FROM {rows}) AS numbered
        WHERE copy > 1"""
    if before is not None:
        inputs.view(before)
        stays = f"NOT ({wanted})"
        if gone:
            stays += " OR _file IN (SELECT unnest($gone))"
            parameters["gone"] = gone
        sql += f"""
        UNION SELECT _file || ':' || _line FROM {rows}
        SEMI JOIN (SELECT {key} FROM {before} WHERE {stays}) AS held USING ({key})"""
    return inputs.query(f"SELECT place FROM ({sql}) AS copies ORDER BY place", parameters)["place"].to_list()


def assets(files: ServiceFiles, time_zone: str) -> list[dg.AssetsDefinition]:
    """`exposures`, `feedback` and `searches` of a home, each with a partition a day.

    Args:
        files: where the service keeps its files.
        time_zone: the shop's clock.
    """
    return [_asset(files, stream, time_zone) for stream in STREAM_TABLES]


def _asset(files: ServiceFiles, stream: Stream, time_zone: str) -> dg.AssetsDefinition:
    declared, compute = STREAM_TABLES[stream], partial(feedback_rows, files, stream, time_zone)
    text = rows_sql(stream)

    def takes(lake: Lake) -> dict[str, str]:
        before = Records(lake).latest(declared.name)
        known = before.takes if before is not None else None
        plan = FeedbackPlan.of(stored_files(lake), stream, code.code_version, known)
        return plan.taken(plan.changed)

    code = AssetCode(
        name=declared.name,
        code=Code("sql", text, query_of(stream).origin, "duckdb"),
        code_version=code_version(compute, {"sql": text, "time_zone": time_zone}),
        covers=CoveredCode(compute),
        upstream=(FILES,),
        compute=compute,
        parameters={"time_zone": time_zone},
        takes=takes,
        checks=declared.checks,
        column_descriptions=SqlText(load_sql("service", declared.name)).column_descriptions,
        column_types={column: _TYPES.get(column, "VARCHAR") for column in query_of(stream).columns},
        looks_at=(ITEMS,) if declared.names_items else (),
    )
    return lineage_asset(
        code,
        look(
            "raw",
            kinds={"sql", "duckdb", "deltalake"},
            description=declared.description,
            personal=declared.personal,
            partitions_def=EVENT_DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        ),
    )
