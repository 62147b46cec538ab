"""Row counts and days that each opened file contributes to raw_events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import polars as pl

from recsys_assets.assets.raw.found_files import SCHEMA
from recsys_assets.shop.source import Source
from recsys_assets.sql import parameters_of, with_macros
from recsys_lineage.assets.asset_code import Query
from recsys_lineage.assets.columns.query_columns import query_columns
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.column_edge import Subtype
from recsys_lineage.columns.frames.declared import ColumnsFrom
from recsys_lineage.files import FileScan

EVENTS = "raw_events"


@dataclass(frozen=True)
class FileContribution:
    """Contribution of a file to raw_events: number of rows, days of their valid times, and the first too far in the
    future.
    """

    rows: int
    days: list[date]
    ahead: date | None = None


def file_contributions(
    source: Source,
    query: Callable[[str, Mapping[str, Any]], pl.DataFrame],
    tomorrow: date,
    relations: Mapping[FileScan, str] | None = None,
) -> dict[str, FileContribution]:
    """Contribution of each opened file to raw_events; files that contribute no rows are left out.

    Args:
        query: answers a SELECT with its parameters over the opened relations.
        relations: SQL text for each scan that is not read as a whole.
    """
    sql = days_sql(source, relations)
    found = query(sql, parameters_of(sql, source.raw_parameters(tomorrow)))
    return {path: FileContribution(rows, days or [], ahead) for path, rows, days, ahead in found.iter_rows()}


def days_sql(source: Source, relations: Mapping[FileScan, str] | None = None) -> str:
    """The SELECT of `file_contributions`: file, rows, days and the first day too far ahead."""
    query = source.queries[EVENTS]
    sql = source.written(EVENTS, relations).statement.strip()
    if "event_time" not in {name.casefold() for name in query.columns}:
        return f"SELECT _file, count(*), NULL, NULL FROM ({sql}) WHERE _file IS NOT NULL GROUP BY _file"
    return with_macros(
        f"""SELECT _file, count(*), list_sort(list(DISTINCT day) FILTER (
            day BETWEEN $earliest_day AND $latest_day)) AS days,
            min(day) FILTER (day > $latest_day AND day <= DATE '9999-12-31') AS ahead
        FROM (SELECT _file, CAST(local_time(event_time) AS DATE) AS day FROM ({sql}))
        WHERE _file IS NOT NULL GROUP BY _file"""
    )


def columns_from(source: Source, inputs: Inputs) -> ColumnsFrom:
    """Column lineage of `source_files`.

    The number of rows and the days of a file come from the files' own columns; nothing else does. The findings on a
    file that is gone or was not read again come from the previous version.

    Args:
        source: of the files.
        inputs: of the run that opened them.

    Raises:
        ColumnLineageError: it cannot be derived from the source's SQL.
    """
    found = query_columns(Query(days_sql(source)), inputs, f"the SQL of {EVENTS}")
    names = ["path", "given", "days", "ahead"]
    of_files = dict(zip(names, found.values(), strict=True))
    made: dict[str, dict[str, dict[str, Subtype]]] = {}
    for name in SCHEMA:
        origins = made[name] = {"source_files": {name: "IDENTITY"}}
        for edge in reversed(of_files.get(name, ())):  # a DIRECT way stands first, and counts
            origins.setdefault(edge.table, {})[edge.column] = edge.subtype
    return made


def tomorrow() -> date:
    """Tomorrow: the first day that no event can have."""
    return datetime.now(timezone.utc).date() + timedelta(days=1)
