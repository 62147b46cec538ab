"""Forward: every row of every table that a file, a range of its lines, or a row flows into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import RESERVED, Records
from recsys_lineage.rows.back import in_one_line
from recsys_lineage.rows.flow_cache import FlowCache
from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.following import Following
from recsys_lineage.rows.lake_rows import (
    STARTING_ROWS,
    Stop,
    TracedRows,
    TrainedRows,
    as_stored,
    by_keys,
    check_is_rerunnable,
    cursor,
    file_reads,
    plain_rows,
    rows_with,
    schemas_of,
    table_reads,
    together,
    trained_rows,
    types_of,
    view_reads,
)  # fmt: skip
from recsys_lineage.rows.made_parts import Made, made_parts
from recsys_lineage.rows.of_files.file_lines import FILE, LINE
from recsys_lineage.rows.of_files.named_files import NamedFiles
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.sql.names import literal, quote


@dataclass(frozen=True)
class ForwardTrace:
    """Everything that rows flow into.

    Attributes:
        tables: rows of the latest versions of tables, the starting ones first.
        models: models fitted on tables of the trace, with the numbers of these rows.
        stopped: the places where the trace ends, with reasons.
    """

    tables: tuple[TracedRows, ...]
    models: tuple[TrainedRows, ...]
    stopped: tuple[Stop, ...]


def trace_forward(
    lake: Lake,
    *,
    file: str | None = None,
    lines: range | int | None = None,
    table: str | None = None,
    row: Mapping[str, object] | None = None,
) -> ForwardTrace:
    """Trace the rows of a file, of some of its lines, or of a table, to every row of every table that they flow into.

    Assets are followed according to the records of their latest versions; for a partitioned table, those of all runs
    that wrote a partition. A row flows into those rows whose backward trace contains it. So a row that a run did not
    read, because it read an earlier version, flows no further there.

    Args:
        lake: the lake of the tables and their records.
        file: a source file's path, as in records and the column `_file`.
        lines: its lines, from 1; all when None.
        table: instead of a file, a table.
        row: values of some columns, which select rows of the table; all rows when None.

    Raises:
        LineageError: neither or both of a file and a table are given, or no table has rows of the file.
        TableNotFound: there is no such table.
        RowNotFound: the table has no such row.
    """
    if (file is None) == (table is None):
        raise LineageError(
            "A forward trace starts from a file or from a table.",
            expected="one of file= and table=",
            found="neither" if file is None else "both",
        )
    traced = _Forward(lake)
    if file is not None:
        traced.start_from_file(file, lines)
    else:
        assert table is not None
        traced.start_from_table(table, row)
    traced.run()
    return ForwardTrace(
        tuple(traced.tables), tuple(dict.fromkeys(traced.models)), tuple(dict.fromkeys(traced.stopped))
    )


def _chosen(rows: pa.Table, which: str, parameters: Mapping[str, object]) -> pa.Table:
    with cursor() as connection:
        connection.register("_rows", rows)
        return connection.sql(f"SELECT * FROM _rows {which}", params=dict(parameters)).to_arrow_table()


@dataclass
class _Found:
    """Results of one statement: rows of its table, the models fitted on them, and the ends of the trace."""

    rows: list[pa.Table] = field(default_factory=list)
    models: list[TrainedRows] = field(default_factory=list)
    stopped: list[Stop] = field(default_factory=list)
    refused: bool = False
    context: str | None = None
    insufficient: tuple[str, ...] = ()

    def look(self, context: str | None, insufficient: tuple[str, ...]) -> None:
        """Note rows of the table that all rows of the statement's result depend on."""
        self.context, self.insufficient = context, insufficient


@dataclass(frozen=True)
class _Opened:
    """The inputs of a run's statement, the statement over them, and results of others over the same."""

    connection: duckdb.DuckDBPyConnection
    cache: StepCache
    text: str
    schemas: Mapping[str, Mapping[str, str]]


class _Forward:
    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.tables: list[TracedRows] = []
        self.models: list[TrainedRows] = []
        self.stopped: list[Stop] = []
        records = Records(lake)
        self._latest: dict[str, tuple[TableVersion, list[Made]]] = {}
        self._without_record: dict[str, tuple[str, ...]] = {}
        for name in lake.tables():
            if name not in RESERVED:
                carried = lake.commit(name)
                version = TableVersion.from_json(carried["table_version"])
                made, without = [], ()
                if carried["record"] is not None:
                    made, without = made_parts(records, version)
                self._latest[name], self._without_record[name] = (version, made), without
        self._open: dict[str, list[pa.Table]] = {}
        self._ranks: dict[str, int] = {}
        self._following = Following(lake)

    def start_from_file(self, file: str, lines: range | int | None) -> None:
        """Start from the rows of a file in the tables whose assets read it."""
        known: set[str] = set()
        numbers = (
            f" AND {quote(LINE)} IN ({', '.join(map(str, _numbers(lines)))})" if lines is not None else ""
        )
        if isinstance(lines, range) and lines.step == 1 and len(lines):
            numbers = f" AND {quote(LINE)} BETWEEN {lines.start} AND {lines.stop - 1}"
        for version, made in self._latest.values():
            statements = [each.record.statement for each in made]
            reads = {read.name for each in made for read in each.record.reads if read.kind == "file"}
            known |= reads
            has_lines = {FILE, LINE} <= set(version.columns)
            of_files = any(each is not None and each.relations for each in statements)
            if not has_lines:
                for each in made:
                    self._start_from_named(version, each, file, lines)
                continue
            if not (reads or of_files):
                continue
            with self.lake.reading(), self.lake.cursor() as connection:
                where = f"{quote(FILE)} = {literal(file)}{numbers}"
                rows = connection.sql(
                    f"SELECT * FROM {self.lake.relation(version)} WHERE {where}"
                ).to_arrow_table()
            self._add(version.table, rows)
        if not self._open and not self.stopped:
            read = file in known
            raise LineageError(
                f"No table holds {'these lines' if lines is not None else 'rows'} of the file {file!r}.",
                expected="lines of which a table has a row"
                if read
                else "a file that an asset of this lake read, by the path that its record says",
                found=file if lines is None else f"{file}, {_line_text(lines)}",
                where=self.lake.uri,
                advice=f"look at the lines that are there: {LINE} of the tables that read the file"
                if read
                else did_you_mean(file, known) or None,
            )

    def _start_from_named(
        self, version: TableVersion, made: Made, file: str, lines: range | int | None
    ) -> None:
        """Start from the rows of a table that its asset's statement, or its Python code, made of a file."""
        record = made.record
        if all(read.name != file for read in file_reads(record)):
            return
        found = _Found()
        try:
            if not (named := NamedFiles(record)):
                reason = "which of its rows come from which lines is known to its Python code alone"
                self.stopped.append(Stop(record.asset, file, reason))
                return
            check_is_rerunnable(record, schemas_of(record))
            with self._opened(record) as opened:
                for table in named.calls:
                    every = None if lines is None else _numbers(lines)
                    rows = named.rows_of(opened.connection, table, file, every)
                    if rows.num_rows:
                        self._add(
                            version.table, self._flowed(table, rows, made, version, False, found, opened)
                        )
        except LineageError as error:
            self.stopped.append(Stop(record.asset, file, in_one_line(error)))

    def start_from_table(self, table: str, row: Mapping[str, object] | None) -> None:
        """Start from rows of a table."""
        version = self.lake.version(table)
        self._add(table, rows_with(self.lake, version, row) if row is not None else self.lake.arrow(version))

    def _add(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._open.setdefault(table, []).append(rows)

    def run(self) -> None:
        """Continue until nothing is open: a table follows all inputs of its asset."""
        try:
            self._run()
        finally:
            self._following.close()

    def _run(self) -> None:
        done: set[str] = set()
        while self._open:
            table = min(self._open, key=lambda each: self._rank(each, ()))
            rows = together(self._open.pop(table))
            version, _ = self._latest[table]
            context: dict[str, str] = {}
            insufficient: dict[str, tuple[str, ...]] = {}
            self.tables.append(
                TracedRows(table, version.version, rows.num_rows, plain_rows(rows), context, insufficient)
            )
            done.add(table)
            reading = {
                name: [each for each in made if any(read.name == table for read in table_reads(each.record))]
                for name, (_, made) in self._latest.items()
                if name not in done
            }
            found = iter(
                self._following.each(
                    table,
                    [each for made in reading.values() for each in made],
                    lambda made, t=table, r=rows: self._follow(t, r, made),
                    lambda result: result.refused,
                )
            )
            for name, made in reading.items():
                for each in made:
                    result = next(found)
                    for part in result.rows:
                        self._add(each.record.asset, part)
                    if result.context:
                        context[each.record.asset] = result.context
                    if result.insufficient:
                        insufficient[each.record.asset] = result.insufficient
                    self.models += result.models
                    self.stopped += result.stopped
                if made and (without := self._without_record[name]):
                    reason = (
                        f"what made {len(without)} of its partitions left no record, {without[0]} among them"
                    )
                    self.stopped.append(Stop(name, table, reason))

    def _rank(self, table: str, on_the_way: tuple[str, ...]) -> int:
        """The most assets on a path before a table."""
        if table not in self._ranks:
            made = self._latest[table][1] if table in self._latest else []
            names = {read.name for each in made for read in table_reads(each.record)}
            before = [
                self._rank(name, (*on_the_way, table)) for name in names if name not in (*on_the_way, table)
            ]
            self._ranks[table] = 1 + max(before, default=0)
        return self._ranks[table]

    def _follow(self, table: str, rows: pa.Table, made: Made) -> _Found:
        found = _Found()
        record, version = made.record, self._latest[made.record.asset][0]
        if record.trained_on:
            keys = record.row_keys or [name for name in rows.column_names if name.endswith("_id")]
            trained = trained_rows(self.lake, record, rows, keys, self._latest[table][0])
            found.models += trained
            if trained:
                found.stopped.append(
                    Stop(record.asset, table, "it is a model: all it says may depend on these rows")
                )
                return found
        try:
            whole = self._is_whole(table, rows, record)
            rows = self._that_were_read(table, rows, record, found)
            if not rows.num_rows:
                return found
            if record.statement is not None and not record.statement.relations:
                check_is_rerunnable(record, schemas_of(record))
                with self._opened(record) as opened:
                    found.rows.append(self._flowed(table, rows, made, version, whole, found, opened))
                return found
        except LineageError as error:
            found.stopped.append(Stop(record.asset, table, in_one_line(error)))
            found.refused = True
            return found
        if shared := record.row_keys.pairs(table, version.columns, rows.column_names):
            shared = [{other: own for own, other in pairs.items()} for pairs in shared]
            with self.lake.reading(), self.lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                relation = self.lake.relation(version, made.partitions)
                found.rows.append(by_keys(connection, relation, shared))
            return found
        found.stopped.append(Stop(record.asset, table, record.row_keys.missing(table)))
        return found

    def _that_were_read(self, table: str, rows: pa.Table, record: Materialization, found: _Found) -> pa.Table:
        """The rows of a table that a run read: it may have read another version than the latest, or only a part.

        Raises:
            VersionPruned: the files of the version that it read are gone.
        """
        latest = self._latest[table][0]
        read = [each for each in table_reads(record) if each.name == table][-1]
        version = latest if read.version == latest.version else self.lake.version(table, read.version)
        if version.partition_column is not None and read.partitions is not None:
            of_partitions = f"WHERE list_contains($parts, {quote(version.partition_column)}::VARCHAR)"
            rows = _chosen(rows, of_partitions, {"parts": list(read.partitions)})
        if version.fingerprint == latest.fingerprint or not rows.num_rows:
            return rows
        held = rows.slice(0, 0)
        if types_of(version.schema) == types_of(latest.schema):
            with self.lake.reading(), self.lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                same = " AND ".join(
                    f"g.{quote(n)} IS NOT DISTINCT FROM r.{quote(n)}" for n in rows.column_names
                )
                relation = self.lake.relation(version, read.partitions)
                held = connection.sql(
                    f"SELECT g.* FROM {STARTING_ROWS} AS g SEMI JOIN {relation} AS r ON {same}"
                ).to_arrow_table()
        if held.num_rows < rows.num_rows:
            reason = (
                f"it read version {version.version}, which has {held.num_rows} of these {rows.num_rows} rows"
            )
            found.stopped.append(Stop(record.asset, table, reason))
        return held

    @contextmanager
    def _opened(self, record: Materialization) -> Iterator[_Opened]:
        """The inputs of a run's statement on a connection; with the rows of files, if it names any."""
        assert record.statement is not None
        schemas, named = schemas_of(record), NamedFiles(record)
        with self.lake.reading():
            if not named:
                with self._following.cursor() as (connection, cache):
                    view_reads(self.lake, record, connection)
                    yield _Opened(connection, cache, record.statement.text, schemas)
                return
            with self.lake.connect(named.places.values(), keeps_order=True, keeps_footers=True) as connection:
                view_reads(self.lake, record, connection)
                schemas |= named.open(connection)
                yield _Opened(connection, StepCache(connection), named.statement, schemas)

    def _flowed(
        self,
        table: str,
        rows: pa.Table,
        made: Made,
        version: TableVersion,
        whole: bool,
        result: _Found,
        opened: _Opened,
    ) -> pa.Table:
        """The rows of a table that a statement made from given ones, each as often as the table has it."""
        record, connection = made.record, opened.connection
        assert record.statement is not None
        connection.register(STARTING_ROWS, rows)
        stored = f"__stored_{record.asset}"
        relation = self.lake.relation(version, made.partitions)
        _ = connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(stored)} AS FROM {relation}")
        found = flowed(
            opened.text,
            opened.schemas,
            table,
            STARTING_ROWS,
            connection,
            record.statement.parameters,
            version.columns,
            stored,
            opened.cache,
            whole,
            version.partition_column is None,
            FlowCache(),
            "" if made.partitions is None else repr(made.partitions),
            result.look,
        )
        if made.partitions is not None and version.partition_column is not None:
            still = f"WHERE list_contains($parts, {quote(version.partition_column)}::VARCHAR)"
            found = _chosen(found, still, {"parts": list(made.partitions)})
        return as_stored(connection, found, stored)

    def _is_whole(self, table: str, rows: pa.Table, record: Materialization) -> bool:
        """Whether rows of a table's latest version are all that a run read from the table."""
        latest = self._latest[table][0]
        reads = [read for read in table_reads(record) if read.name == table]
        same = all(read.version == latest.version for read in reads)
        return same and rows.num_rows == latest.rows


def _line_text(lines: range | int) -> str:
    return f"line {lines}" if isinstance(lines, int) else f"lines {lines.start} to {lines.stop - 1}"


def _numbers(lines: range | int | None) -> list[int]:
    return [lines] if isinstance(lines, int) else list(lines or ())
