"""Backward: the rows, file lines and models behind one row of a lake's table, through all assets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from recsys_lineage.errors import FilesChanged, LineageError, TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import Records
from recsys_lineage.rows.flow_cache import FlowCache
from recsys_lineage.rows.lake_rows import (
    NOT_REPRODUCED,
    STARTING_ROWS,
    Stop,
    TracedRows,
    TrainedRows,
    by_keys,
    check_is_rerunnable,
    file_reads,
    plain_rows,
    schemas_of,
    table_reads,
    the_row,
    together,
    trained_rows,
    view_reads,
    why_nothing,
)  # fmt: skip
from recsys_lineage.rows.of_files.file_lines import FILE, LINE, lines_of
from recsys_lineage.rows.of_files.named_files import NamedFiles
from recsys_lineage.rows.of_files.traced_lines import TracedLines, check_file, named_lines, of_files
from recsys_lineage.rows.trace_query import Trace, traced_tables

_ONLY_NAMED = "only the lines that its rows name"


@dataclass(frozen=True)
class BackwardTrace:
    """Origins of one row.

    Attributes:
        table, version, row: the row.
        tables: rows of the table versions on the path, the row's own first.
        files: lines of source files.
        models: training data of the models on the path.
        stopped: the places where the trace ends before a source file, with reasons.
    """

    table: str
    version: int
    row: Mapping[str, Any]
    tables: tuple[TracedRows, ...]
    files: tuple[TracedLines, ...]
    models: tuple[TrainedRows, ...]
    stopped: tuple[Stop, ...]


def trace_back(
    lake: Lake,
    table: str,
    row: Mapping[str, object],
    version: int | None = None,
    *,
    files: str | Path | None = None,
    limit: int | None = None,
) -> BackwardTrace:
    """Trace one row of a table back through all assets to the lines of source files behind it.

    Each asset is traced at the versions in its record. A SQL asset is traced by its statement, over tables and the rows
    of files that it names, a Python asset by its `keys`, if it has any, and a table of a source's SQL by its columns
    `_file` and `_line`.

    Args:
        lake: the lake of the tables and their records.
        table: the row's table.
        row: values of enough columns to identify the row.
        version: the version of the table; the latest when None.
        files: the folder in which to hash the source files again; no check when None.
        limit: the most rows of a table to follow further; with more, the trace stops there with the lines in the rows'
            own columns. No limit when None.

    Raises:
        TableNotFound: there is no such table or version.
        VersionPruned: the files of a version on the path are gone.
        RowNotFound: the table has no such row, or several different ones.
        FilesChanged: a file is gone or has changed since it was read, if files are hashed.
    """
    start = lake.version(table, version)
    traced = _Backward(lake, None if files is None else Path(files), limit)
    rows = the_row(lake, start, row)
    traced.add(start, rows)
    traced.run()
    if files is not None:
        for lines in traced.files:
            check_file(lines, Path(files))
    return BackwardTrace(
        table, start.version, plain_rows(rows)[0], tuple(traced.tables), tuple(traced.files),
        tuple(dict.fromkeys(traced.models)), tuple(dict.fromkeys(traced.stopped)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """A run of a statement that made rows: the version of its table, its record, these rows, and the files named."""

    version: TableVersion
    record: Materialization
    rows: pa.Table
    named: NamedFiles


class _Backward:
    def __init__(self, lake: Lake, folder: Path | None, limit: int | None) -> None:
        self.lake, self.records, self.folder, self.limit = lake, Records(lake), folder, limit
        self.tables: list[TracedRows] = []
        self.files: list[TracedLines] = []
        self.models: list[TrainedRows] = []
        self.stopped: list[Stop] = []
        self._open: dict[tuple[str, int], tuple[TableVersion, list[pa.Table]]] = {}
        self._context: dict[tuple[str, int], dict[str, Trace]] = {}

    def add(self, version: TableVersion, rows: pa.Table) -> None:
        """Add rows from which the trace continues."""
        if rows.num_rows:
            self._open.setdefault((version.table, version.version), (version, []))[1].append(rows)

    def run(self) -> None:
        """Continue until nothing is open. A reader of a version is committed after it, so the latest comes first."""
        while self._open:
            key = max(self._open, key=lambda each: self._open[each][0].committed)
            version, found = self._open.pop(key)
            rows = together(found)
            looked = self._context.get(key, {})
            self.tables.append(
                TracedRows(
                    *key,
                    count=rows.num_rows,
                    rows=plain_rows(rows),
                    context={asset: each.context for asset, each in looked.items() if each.context},
                    insufficient={
                        asset: each.insufficient for asset, each in looked.items() if each.insufficient
                    },
                )
            )
            follow = self._follow if self.limit is None or rows.num_rows <= self.limit else self._stop_at
            for record, part in self._written(version, rows):
                follow(version, record, part)

    def _written(self, version: TableVersion, rows: pa.Table) -> Iterator[tuple[Materialization, pa.Table]]:
        """The records that wrote rows: that of the version, or those of the versions that last wrote their
        partitions."""
        if version.partition_column is None:
            numbers: dict[int, list[int]] = {version.version: list(range(rows.num_rows))}
        else:
            numbers = {}
            for place, value in enumerate(rows[version.partition_column].to_pylist()):
                part = version.partitions.get(str(value))
                number = version.version if part is None else (part.written or part.version)
                numbers.setdefault(number, []).append(place)
        for number, places in numbers.items():
            try:
                record = self.records.get(version.table, number)
            except TableNotFound as error:
                self.stopped.append(Stop(version.table, version.table, error.message))
                continue
            # pyarrow imports pandas for a list of places
            yield record, rows if len(places) == rows.num_rows else rows.take(places)

    def _stop_at(self, version: TableVersion, record: Materialization, rows: pa.Table) -> None:
        """End the trace at a table with too many rows, with the lines that the rows name, if any."""
        names_lines = {FILE, LINE} <= {*rows.column_names}
        beyond = _ONLY_NAMED if names_lines else "nothing behind them is told"
        tables = ", ".join(dict.fromkeys(read.name for read in table_reads(record)))
        reason = f"{version.table} has more rows of this trace than the limit of {self.limit:,}: {beyond}"
        self.stopped.append(Stop(record.asset, tables or "its files", reason))
        if not names_lines:
            return
        readers = [*self._readers(record)]
        for file, numbers in named_lines(rows).items():
            found = ((each, self._read_of(each, file)) for each in readers)
            of, read = next((each for each in found if each[1] is not None), (record, None))
            number = version.version if of.version is None else of.version
            self._add_lines(of.asset, number, file, numbers, read)

    def _readers(self, record: Materialization) -> Iterator[Materialization]:
        """A record and those of its inputs, recursively, the nearest first."""
        open_, seen = [record], {(record.asset, record.version)}
        for each in open_:
            yield each
            for read in table_reads(each):
                key = (read.name, read.version)
                if key not in seen and read.name != each.asset and (found := self._record(read)) is not None:
                    open_.append(found)
                seen.add(key)

    def _follow(self, version: TableVersion, record: Materialization, rows: pa.Table) -> None:
        reads = table_reads(record)
        files = file_reads(record)
        of_source = record.statement is not None and record.statement.relations
        if of_source or (files and {FILE, LINE} <= {*rows.column_names}):
            self._lines(version, record, rows)
            return
        if not reads and not files:
            self.stopped.append(Stop(record.asset, record.asset, "it reads no table and no file"))
            return
        self.models += trained_rows(self.lake, record, rows, record.row_keys or rows.column_names)
        named = NamedFiles(record, self.folder)
        if files and not named:
            self._whole_files(version, files)
        if record.statement is not None:
            self._by_statement(_Run(version, record, rows, named), [*reads, *named.calls])
        else:
            self._by_keys(record, rows, reads)

    def _whole_files(self, version: TableVersion, files: Iterable[Read]) -> None:
        self.files += [
            TracedLines(version.table, version.version, read.name, read.root, read.fingerprint, None)
            for read in files
        ]

    def _by_statement(self, run: _Run, sources: Sequence[Read | str]) -> None:
        """Continue with all tables and files at once; if one of them cannot be traced, with each separately."""
        try:
            self._to(run, sources)
        except LineageError as error:
            if len(sources) > 1 and not isinstance(error, FilesChanged):
                for source in sources:
                    self._by_statement(run, [source])
                return
            for source in sources:
                if isinstance(source, Read):
                    self.stopped.append(Stop(run.record.asset, source.name, in_one_line(error)))
            if calls := [run.named.calls[source] for source in sources if isinstance(source, str)]:
                self._whole_files(run.version, run.named.reads_of(calls))
                reason = f"they are named as a whole: {in_one_line(error)}"
                self.stopped.append(Stop(run.record.asset, "its files", reason))

    def _to(self, run: _Run, sources: Sequence[Read | str]) -> None:
        record, rows, named = run.record, run.rows, run.named
        statement = record.statement
        assert statement is not None
        check_is_rerunnable(record, schemas_of(record))
        opens = named.places.values() if named else ()
        with (
            self.lake.reading(),
            self.lake.connect(opens, keeps_order=bool(named), keeps_footers=True) as connection,
        ):
            view_reads(self.lake, record, connection)
            text, schemas = statement.text, schemas_of(record)
            if named:
                schemas |= named.open(connection)
                text = named.statement
            names = [source if isinstance(source, str) else source.name for source in sources]
            found = traced_tables(text, schemas, names, rows, connection, statement.parameters, FlowCache())
            for source in sources:
                if isinstance(source, str):
                    self._add_named(run, source, found[source][0], connection)
                    continue
                traced, how = found[source.name]
                key = (source.name, source.version or 0)
                self._context.setdefault(key, {})[record.asset] = how
                self.add(self.lake.version(*key), traced)
            every = len(table_reads(record)) + len(named.calls)
            if len(sources) == every and not any(traced.num_rows for traced, _ in found.values()):
                reason = why_nothing(connection, text, statement.parameters, rows)
                of = [source.name for source in sources if isinstance(source, Read)]
                self.stopped.append(Stop(record.asset, ", ".join(of) or "its files", reason))

    def _add_named(
        self, run: _Run, table: str, rows: pa.Table, connection: duckdb.DuckDBPyConnection
    ) -> None:
        """Add the lines of rows of files that a statement names."""
        version, named = run.version, run.named
        reads = {read.name: read for read in named.reads}
        for file, numbers in sorted(named.lines_of(connection, table, rows).items()):
            if numbers is None:
                self._whole_files(version, [reads[file]])
            else:
                self._add_lines(version.table, version.version, file, numbers, reads[file])

    def _by_keys(self, record: Materialization, rows: pa.Table, reads: list[Read]) -> None:
        nothing: list[Stop] | None = []
        for read in reads:
            assert read.version is not None
            version = self.lake.version(read.name, read.version)
            model = self._record(read)
            if model is not None and model.trained_on:
                self.models += trained_rows(self.lake, model, rows, record.row_keys or rows.column_names)
                continue
            shared = record.row_keys.pairs(read.name, rows.column_names, version.columns)
            if not shared:
                self.stopped.append(Stop(record.asset, read.name, record.row_keys.missing(read.name)))
                continue
            with self.lake.reading(), self.lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                relation = self.lake.relation(version, read.partitions)
                found = by_keys(connection, relation, shared)
            self.add(version, found)
            if found.num_rows:
                nothing = None
            elif nothing is not None:
                reason = f"no row of it has the row's {' or '.join(map(', '.join, shared))}"
                nothing.append(Stop(record.asset, read.name, reason))
        self.stopped += nothing or ()

    def _record(self, read: Read) -> Materialization | None:
        try:
            return self.records.get(read.name, read.version)
        except TableNotFound:
            return None

    def _lines(self, version: TableVersion, record: Materialization, rows: pa.Table) -> None:
        """Add the lines that rows name, or all files if the table's columns do not have them."""
        if FILE not in rows.column_names or LINE not in rows.column_names:
            self._whole_files(version, file_reads(record))
            return
        rows = self._without_those_of_tables(record, rows)
        lines = named_lines(rows)
        for file, numbers in self._further_lines(record, rows).items() if rows.num_rows else ():
            lines.setdefault(file, set()).update(numbers)
        for file, numbers in sorted(lines.items()):
            self._add_lines(version.table, version.version, file, numbers, self._read_of(record, file))

    def _add_lines(self, table: str, version: int, file: str, numbers: set[int], read: Read | None) -> None:
        root, sha256 = (read.root, read.fingerprint) if read else (None, None)
        self.files.append(TracedLines(table, version, file, root, sha256, tuple(sorted(numbers))))

    def _without_those_of_tables(self, record: Materialization, rows: pa.Table) -> pa.Table:
        """Continue with tables for rows of files that the asset did not read itself; returns the other rows."""
        others = {file for file in rows[FILE].to_pylist() if self._read_of(record, str(file)) is None}
        for read in table_reads(record) if others else ():
            version = self.lake.version(read.name, read.version)
            if read.name == record.asset or not {FILE, LINE} <= set(version.columns):
                continue
            with self.lake.reading(), self.lake.cursor() as connection:
                connection.register(STARTING_ROWS, of_files(rows, others))
                lines = [{FILE: FILE, LINE: LINE}]
                held = by_keys(connection, self.lake.relation(version, read.partitions), lines)
            self.add(version, held)
            rows = of_files(rows, {*rows[FILE].to_pylist()} - {*held[FILE].to_pylist()})
        return rows

    def _further_lines(self, record: Materialization, rows: pa.Table) -> dict[str, set[int]]:
        """Lines behind rows beyond those in their columns, if their source's SQL joins or groups lines of files."""
        if record.statement is None or not record.statement.relations:
            return {}
        try:
            roots = {Path(each.root) for each in record.statement.relations.values()}
            opens = {self.folder} if self.folder is not None else {root for root in roots if root.is_dir()}
            with self.lake.reading(), self.lake.connect(opens, keeps_order=True) as connection:
                view_reads(self.lake, record, connection)
                lines = lines_of(connection, record, rows, self.folder)
                if lines == {}:
                    self.stopped.append(Stop(record.asset, "its files", f"{_ONLY_NAMED}: {NOT_REPRODUCED}"))
                return lines or {}
        except LineageError as error:
            self.stopped.append(Stop(record.asset, "its files", f"{_ONLY_NAMED}: {in_one_line(error)}"))
            return {}

    def _read_of(self, record: Materialization, file: str) -> Read | None:
        """The read of a file: by this run, or by the one that made rows which this run kept."""
        while True:
            for read in record.reads:
                if read.kind == "file" and read.name == file:
                    return read
            before = record.read(record.asset, "previous")
            if before is None or (kept := self._record(before)) is None:
                return None
            record = kept


def in_one_line(error: LineageError) -> str:
    """Message of an error, with its place and subject, without advice."""
    found = f" ({error.found})" if error.found else ""
    return f"{error.message}{found} {error.where or ''}".strip()
