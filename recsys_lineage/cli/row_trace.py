"""RowTrace: the command line's question about a row's origins or its descendants, and the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from recsys_lineage.errors import LineageError, WrongQuestion, meant_or_known
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion
from recsys_lineage.rows.back import BackwardTrace, trace_back
from recsys_lineage.rows.forward import ForwardTrace, trace_forward
from recsys_lineage.rows.lake_rows import RowNotFound

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LINES = re.compile(r"(?P<path>.+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?")


@dataclass(frozen=True)
class RowTrace:
    """A trace of rows.

    Attributes:
        target: the traced rows or lines, as written.
        direction: up or down.
        trace: the result.
        lake: the lake in which it was found.
        limit: the most rows of a table that were followed further; None for all.
    """

    target: str
    direction: Literal["up", "down"]
    trace: BackwardTrace | ForwardTrace
    lake: Lake
    limit: int | None = None

    @property
    def beyond_limit(self) -> int:
        """The limit needed to follow all rows if some were left out; else 0."""
        most = max((each.count for each in self.trace.tables), default=0)
        return 0 if self.limit is None or most <= self.limit else most

    @property
    def found(self) -> bool:
        """Whether the trace leads beyond its starting rows."""
        more = isinstance(self.trace, BackwardTrace) and self.trace.files
        return bool(more or self.trace.models or len(self.trace.tables) > 1)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; values without a JSON type as texts."""
        return {"target": self.target, "direction": self.direction, **_plain(self.trace)}


def _plain(found: Any) -> Any:
    """Fields of an answer by name; unlike `asdict`, long lists of numbers and values of rows are not copied."""
    if is_dataclass(found):
        return {each.name: _plain(getattr(found, each.name)) for each in fields(found)}
    if isinstance(found, tuple) and found and is_dataclass(found[0]):
        return [_plain(each) for each in found]
    return found


def traced(
    lakes: Sequence[Lake],
    target: str,
    values: Sequence[str],
    *,
    forward: bool,
    files: Path | None,
    limit: int | None = None,
) -> RowTrace:
    """Trace a row back, or rows forward.

    Args:
        lakes: the lakes with the tables.
        target: `TABLE` or `TABLE@VERSION`; `file:PATH`, `file:PATH:LINE` or `file:PATH:FIRST-LAST` goes forward.
        values: `COLUMN=VALUE` as DuckDB reads the value's text, or `COLUMN` for NULL.
        forward: follow the rows forward instead of back.
        files: a folder in which the source files are hashed again.
        limit: the most rows of a table that are followed further back, see `trace_back`; all when None.

    Raises:
        WrongQuestion: the question is not valid.
        LineageError: the row does not exist or is not unique, or files are gone.
    """
    if target.startswith("file:"):
        return _of_file(lakes, target, values)
    table, at, number = target.partition("@")
    lake = next((lake for lake in lakes if lake.has(table)), None) if _NAME.fullmatch(table) else None
    if lake is None or (at and not number.isdecimal()):
        raise WrongQuestion(
            f"{target!r} names no version of a table.",
            expected="TABLE, TABLE@VERSION or file:PATH",
            found=target or "nothing",
            where=_where(lakes),
            advice=meant_or_known(table, [name for each in lakes for name in each.tables()])
            if lake is None
            else f"ask for {table}, or {table}@{lake.version(table).version}",
        )
    version = lake.version(table, int(number) if at else None)
    row = _row(lake, version, values)
    if not forward and not row:
        raise WrongQuestion(
            f"It is not clear which row of {table} is meant.",
            expected="COLUMN=VALUE, of enough columns to identify the row",
            found="no column",
            where=f"{table}, version {version.version}",
            advice=f"one of {', '.join(version.columns)}; --forward follows all rows of a table",
        )
    if not forward:
        with _row_named(values):
            found = trace_back(lake, table, row, version.version, files=files, limit=limit)
        return RowTrace(_words(target, values), "up", found, lake, limit)
    if at and version.version != lake.version(table).version:
        raise WrongQuestion(
            f"Rows of {target} are not followed forward.",
            expected="the latest version, because the latest versions of other tables are made from it",
            found=target,
            where=lake.uri,
            advice=f"ask for {table}",
        )
    with _row_named(values):
        followed = trace_forward(lake, table=table, row=row or None)
    return RowTrace(_words(target, values), "down", followed, lake)


@contextmanager
def _row_named(values: Sequence[str]) -> Iterator[None]:
    """Inside the block, an error about a missing row names the requested values. Only the person who asked sees this
    message; an error that is kept may not contain values."""
    try:
        yield
    except RowNotFound as error:
        raise RowNotFound(
            error.message,
            expected=f"{error.expected}: {' '.join(values)}",
            found=error.found if error.message.startswith("Several") else "no such row",
            where=error.where,
            advice=error.advice,
        ) from error


def _of_file(lakes: Sequence[Lake], target: str, values: Sequence[str]) -> RowTrace:
    if values:
        raise WrongQuestion(
            "A file's lines are named by their numbers.",
            expected="file:PATH:FIRST-LAST",
            found=" ".join(values),
            where=target,
            advice=f"leave {' '.join(values)} out",
        )
    named = _LINES.fullmatch(target.removeprefix("file:"))
    if named is None:
        raise WrongQuestion(
            "No file is named.",
            expected="file:PATH",
            found=target,
            where=_where(lakes),
            advice="name a file as the records do: `upstream TABLE` lists those that a table was made of",
        )
    lines = None
    if named["first"]:
        lines = range(int(named["first"]), int(named["last"] or named["first"]) + 1)
        if not lines or not lines.start:
            raise WrongQuestion(
                "These are no lines of a file.",
                expected="file:PATH:FIRST-LAST, with numbers from 1, the first no larger than the last",
                found=target,
                where=named["path"],
                advice=f"ask for file:{named['path']}, which is all of its lines",
            )
    fault: LineageError | None = None
    for lake in lakes:
        try:
            return RowTrace(target, "down", trace_forward(lake, file=named["path"], lines=lines), lake)
        except LineageError as error:
            fault = error
    assert fault is not None, "there is a lake"
    raise LineageError(
        fault.message,
        expected=fault.expected,
        found=fault.found,
        where=fault.where,
        advice=fault.advice or "the command `upstream` names the files that a table was made of",
    ) from fault


def _row(lake: Lake, version: TableVersion, values: Sequence[str]) -> dict[str, object]:
    """The values of a row, each parsed as its column's type."""
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
                    where=f"{version.table}, version {version.version}",
                    advice=meant_or_known(name, version.columns),
                )
            if column.name in row:
                raise WrongQuestion(
                    f"{column.name} is given twice.",
                    expected="each column once",
                    found=" ".join(values),
                    where=f"{version.table}, version {version.version}",
                    advice=f"leave {each} out, or the other one",
                )
            row[column.name] = _value(connection, text, column, version) if is_given else None
    return row


def _value(connection: duckdb.DuckDBPyConnection, text: str, column: Column, version: TableVersion) -> object:
    try:
        found = connection.execute(f"SELECT CAST($text AS {column.type})", {"text": text}).fetchall()
    except duckdb.Error:
        raise WrongQuestion(
            f"{text!r} is no {column.type}.",
            expected=f"{column.name}=VALUE with a value of type {column.type}",
            found=f"{column.name}={text}",
            where=f"{version.table}, version {version.version}",
            advice="write one = and the value as DuckDB reads its text, without quotes"
            + (f": {column.name}={text[1:]}" if text.startswith("=") else ""),
        ) from None
    return found[0][0]


def _where(lakes: Sequence[Lake]) -> str:
    return ", ".join(lake.uri for lake in lakes)


def _words(target: str, values: Sequence[str]) -> str:
    return " ".join([target, *values])


def rows_in_words(count: int) -> str:
    """A number of rows, as text."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def lines_in_words(lines: Sequence[int] | None, most: int, end: str = ", ") -> str:
    """Line numbers of a file as text, neighbours joined to ranges.

    Args:
        lines: sorted; the whole file when None.
        most: the most ranges shown; if there are more, the number of lines follows them.
        end: the text before that number.
    """
    if lines is None:
        return "the whole file"
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        elif len(ranges) == most:
            break
        else:
            ranges.append([line, line])
    shown = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)
    more = len(lines) - sum(last - first + 1 for first, last in ranges)
    few = f"line{'s' if len(lines) > 1 else ''} {shown}"
    return f"{few}{end}… {len(lines):,} lines" if more else few


def values_shown(row: Mapping[str, Any], most: int = 5) -> str:
    """The first values of a row, as text."""
    shown = [f"{name}={value}" for name, value in row.items()][:most]
    return ", ".join(shown) + (", …" if len(row) > most else "")
