"""RowTrace: what a row was made of, or what was made of rows, as the command line asks and answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from recsys_lineage.errors import LineageError, WrongQuestion, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.table_version import TableVersion
from recsys_lineage.rows.back import BackwardTrace, trace_back
from recsys_lineage.rows.forward import ForwardTrace, trace_forward

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LINES = re.compile(r"(?P<path>.+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?")


@dataclass(frozen=True)
class RowTrace:
    """A trace of rows.

    Attributes:
        target: what was asked for.
        direction: up or down.
        trace: what was found.
    """

    target: str
    direction: Literal["up", "down"]
    trace: BackwardTrace | ForwardTrace

    @property
    def found(self) -> bool:
        """Whether the trace leads anywhere beyond the rows that were asked for."""
        more = isinstance(self.trace, BackwardTrace) and self.trace.files
        return bool(more or self.trace.models or len(self.trace.tables) > 1)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; values that JSON has no type for as texts."""
        return {"target": self.target, "direction": self.direction, **asdict(self.trace)}


def traced(
    lakes: Sequence[Lake], target: str, values: Sequence[str], *, forward: bool, files: Path | None
) -> RowTrace:
    """Trace a row back, or rows forward.

    Args:
        lakes: where the tables are.
        target: `TABLE` or `TABLE@VERSION`; `file:PATH`, `file:PATH:LINE` or `file:PATH:FIRST-LAST` goes forward.
        values: `COLUMN=VALUE` as DuckDB reads the value's text, or `COLUMN` for NULL.
        forward: follow the rows forward instead of back.
        files: a folder in which the source files are hashed again.

    Raises:
        WrongQuestion: when it cannot be asked so.
        LineageError: when the row is not there or not unique, or files are gone.
    """
    if target.startswith("file:"):
        return _of_file(lakes, target, values)
    table, at, number = target.partition("@")
    lake = next((lake for lake in lakes if lake.has(table)), None) if _NAME.fullmatch(table) else None
    if lake is None or (at and not number.isdecimal()):
        raise WrongQuestion(
            f"{target!r} names no version of a table.",
            expected="TABLE, TABLE@VERSION or file:PATH",
            found=target,
            where=", ".join(lake.uri for lake in lakes),
            advice=did_you_mean(table, [name for lake in lakes for name in lake.tables()]) or None,
        )
    version = lake.version(table, int(number) if at else None)
    row = _row(lake, version, values)
    if not forward and not row:
        raise WrongQuestion(
            f"Which row of {table} is meant is not told.",
            expected="COLUMN=VALUE, of enough columns to tell the row from all others",
            found="no column",
            advice=f"one of {', '.join(version.columns)}; --forward follows all rows of a table",
        )
    if not forward:
        found = trace_back(lake, table, row, version.version, files=files)
        return RowTrace(_words(target, values), "up", found)
    if at and version.version != lake.version(table).version:
        raise WrongQuestion(
            f"Rows of {target} are not followed forward.",
            expected="the latest version, of which the latest versions of other tables are made",
            found=target,
            advice=f"ask for {table}",
        )
    return RowTrace(_words(target, values), "down", trace_forward(lake, table=table, row=row or None))


def _of_file(lakes: Sequence[Lake], target: str, values: Sequence[str]) -> RowTrace:
    if values:
        raise WrongQuestion(
            "A file's lines are named by their numbers.",
            expected="file:PATH:FIRST-LAST",
            found=" ".join(values),
        )
    named = _LINES.fullmatch(target.removeprefix("file:"))
    if named is None:
        raise WrongQuestion("No file is named.", expected="file:PATH", found=target)
    lines = None
    if named["first"]:
        lines = range(int(named["first"]), int(named["last"] or named["first"]) + 1)
        if not lines or not lines.start:
            raise WrongQuestion(
                "These are no lines of a file.",
                expected="file:PATH:FIRST-LAST, with numbers from 1, the first no larger than the last",
                found=target,
            )
    told: LineageError | None = None
    for lake in lakes:
        try:
            return RowTrace(target, "down", trace_forward(lake, file=named["path"], lines=lines))
        except LineageError as error:
            told = error
    assert told is not None, "there is a lake"
    raise told


def _row(lake: Lake, version: TableVersion, values: Sequence[str]) -> dict[str, object]:
    """The values of a row, each read as its column's type."""
    types = {column.name.casefold(): column for column in version.schema}
    row: dict[str, object] = {}
    with lake.connect() as connection:
        for each in values:
            name, is_given, text = each.partition("=")
            column = types.get(name.casefold())
            if column is None:
                raise WrongQuestion(
                    f"{version.table} has no column {name!r}.",
                    expected=", ".join(version.columns),
                    found=each,
                    advice=did_you_mean(name, version.columns) or None,
                )
            row[column.name] = _value(connection, text, column.type, each) if is_given else None
    return row


def _value(connection: duckdb.DuckDBPyConnection, text: str, type_: str, given: str) -> object:
    try:
        found = connection.execute(f"SELECT CAST($text AS {type_})", {"text": text}).fetchall()
    except duckdb.Error:
        raise WrongQuestion(
            f"{text!r} is no {type_}.", expected=f"COLUMN=VALUE with a value of type {type_}", found=given
        ) from None
    return found[0][0]


def _words(target: str, values: Sequence[str]) -> str:
    return " ".join([target, *values])


def values_shown(row: Mapping[str, Any], most: int = 5) -> str:
    """The first values of a row, for people."""
    shown = [f"{name}={value}" for name, value in row.items()][:most]
    return ", ".join(shown) + (", …" if len(row) > most else "")
