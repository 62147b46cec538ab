"""FollowedRun: what a run made of given rows of a table that it read, or of lines of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.rows.back import in_one_line
from recsys_lineage.rows.flow_cache import FlowCache
from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.following import Following
from recsys_lineage.rows.lake_rows import (
    STARTING_ROWS,
    Stop,
    TrainedRows,
    as_stored,
    by_keys,
    check_is_rerunnable,
    cursor,
    schemas_of,
    table_reads,
    trained_rows,
    types_of,
    view_reads,
)  # fmt: skip
from recsys_lineage.rows.made_parts import Made
from recsys_lineage.rows.of_files.named_files import NamedFiles
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.sql.names import quote


@dataclass
class FoundRows:
    """Result of following a run: rows of its table, the models fitted on the given rows, and the ends of the trace.

    Attributes:
        rows: rows of the table, each as often as it has them.
        models: models fitted on the given rows.
        stopped: places where the trace ends, with reasons.
        refused: whether it ended because following failed, for lack of memory perhaps.
        context: which other rows of the given table all rows found depend on; see `trace_query`.
        insufficient: columns that the given rows alone do not determine.
    """

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
    """The inputs of the run's statement, the statement over them, and results of others over the same."""

    connection: duckdb.DuckDBPyConnection
    cache: StepCache
    text: str
    schemas: Mapping[str, Mapping[str, str]]


class FollowedRun:
    """A run that made a table, or some of its partitions, through which rows are followed.

    Args:
        lake: the lake of the tables.
        following: opens what runs read.
        made: the run, and the partitions that it made.
        version: the table's latest version.
    """

    def __init__(self, lake: Lake, following: Following, made: Made, version: TableVersion) -> None:
        self._lake, self._following, self._made, self._version = lake, following, made, version
        self._record = made.record
        self._found = FoundRows()

    def of_lines(self, file: str, lines: list[int] | None) -> FoundRows:
        """Rows that its statement made of lines of a file that the statement names; of all lines when None."""
        record = self._record
        try:
            if not (named := NamedFiles(record)):
                self._stop(file, "which of its rows come from which lines is known to its Python code alone")
                return self._found
            check_is_rerunnable(record, schemas_of(record))
            with self._opened() as opened:
                for table in named.calls:
                    rows = named.rows_of(opened.connection, table, file, lines)
                    if rows.num_rows:
                        self._found.rows.append(self._flowed(table, rows, False, opened))
        except LineageError as error:
            self._stop(file, in_one_line(error))
        return self._found

    def of_rows(self, table: str, rows: pa.Table, latest: TableVersion) -> FoundRows:
        """Rows that it made of rows of a table, and the model that it fitted on them.

        Args:
            table: the table.
            rows: rows of the table's latest version.
            latest: that version.
        """
        found, record = self._found, self._record
        if record.trained_on:
            keys = record.row_keys or [name for name in rows.column_names if name.endswith("_id")]
            found.models += trained_rows(self._lake, record, rows, keys, latest)
            if found.models:
                self._stop(table, "it is a model: all it says may depend on these rows")
                return found
        try:
            whole = self._is_whole(table, rows, latest)
            rows = self._that_were_read(table, rows, latest)
            if not rows.num_rows:
                return found
            if record.statement is not None and not record.statement.relations:
                check_is_rerunnable(record, schemas_of(record))
                with self._opened() as opened:
                    found.rows.append(self._flowed(table, rows, whole, opened))
                return found
        except LineageError as error:
            self._stop(table, in_one_line(error))
            found.refused = True
            return found
        if shared := record.row_keys.pairs(table, self._version.columns, rows.column_names):
            shared = [{other: own for own, other in pairs.items()} for pairs in shared]
            with self._lake.reading(), self._lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                relation = self._lake.relation(self._version, self._made.partitions)
                found.rows.append(by_keys(connection, relation, shared))
            return found
        self._stop(table, record.row_keys.missing(table))
        return found

    def _stop(self, table: str, reason: str) -> None:
        self._found.stopped.append(Stop(self._record.asset, table, reason))

    def _is_whole(self, table: str, rows: pa.Table, latest: TableVersion) -> bool:
        """Whether rows of a table's latest version are all that the run read from the table."""
        reads = [read for read in table_reads(self._record) if read.name == table]
        same = all(read.version == latest.version for read in reads)
        return same and rows.num_rows == latest.rows

    def _that_were_read(self, table: str, rows: pa.Table, latest: TableVersion) -> pa.Table:
        """The rows of a table that the run read: it may have read another version than the latest, or only a part.

        Raises:
            VersionPruned: the files of the version that it read are gone.
        """
        read = [each for each in table_reads(self._record) if each.name == table][-1]
        version = latest if read.version == latest.version else self._lake.version(table, read.version)
        if version.partition_column is not None and read.partitions is not None:
            rows = _in_partitions(rows, version.partition_column, read.partitions)
        if version.fingerprint == latest.fingerprint or not rows.num_rows:
            return rows
        held = rows.slice(0, 0)
        if types_of(version.schema) == types_of(latest.schema):
            with self._lake.reading(), self._lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                same = " AND ".join(
                    f"g.{quote(n)} IS NOT DISTINCT FROM r.{quote(n)}" for n in rows.column_names
                )
                relation = self._lake.relation(version, read.partitions)
                held = connection.sql(
                    f"SELECT g.* FROM {STARTING_ROWS} AS g SEMI JOIN {relation} AS r ON {same}"
                ).to_arrow_table()
        if held.num_rows < rows.num_rows:
            self._stop(
                table,
                f"it read version {version.version}, which has {held.num_rows} of these {rows.num_rows} rows",
            )
        return held

    @contextmanager
    def _opened(self) -> Iterator[_Opened]:
        """The inputs of the run's statement on a connection; with the rows of files, if it names any."""
        record = self._record
        assert record.statement is not None
        schemas, named = schemas_of(record), NamedFiles(record)
        with self._lake.reading():
            if not named:
                with self._following.cursor() as (connection, cache):
                    view_reads(self._lake, record, connection)
                    yield _Opened(connection, cache, record.statement.text, schemas)
                return
            with self._lake.connect(
                named.places.values(), keeps_order=True, keeps_footers=True
            ) as connection:
                view_reads(self._lake, record, connection)
                schemas |= named.open(connection)
                yield _Opened(connection, StepCache(connection), named.statement, schemas)

    def _flowed(self, table: str, rows: pa.Table, whole: bool, opened: _Opened) -> pa.Table:
        """The rows of its table that the statement made from given ones, each as often as the table has it."""
        record, connection, version = self._record, opened.connection, self._version
        partitions = self._made.partitions
        assert record.statement is not None
        connection.register(STARTING_ROWS, rows)
        stored = f"__stored_{record.asset}"
        relation = self._lake.relation(version, partitions)
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
            "" if partitions is None else repr(partitions),
            self._found.look,
        )
        if partitions is not None and version.partition_column is not None:
            found = _in_partitions(found, version.partition_column, partitions)
        return as_stored(connection, found, stored)


def _in_partitions(rows: pa.Table, column: str, partitions: Iterable[str]) -> pa.Table:
    """The rows of some partitions, which are named by their value's text."""
    with cursor() as connection:
        connection.register("_rows", rows)
        named = f"SELECT * FROM _rows WHERE list_contains($parts, {quote(column)}::VARCHAR)"
        return connection.sql(named, params={"parts": list(partitions)}).to_arrow_table()
