"""Lake: a folder or object-store URL of versioned Delta tables, written by DuckDB.

DuckDB writes the Parquet files and the Delta log commits them. A write is therefore atomic, every old
version stays readable, and Spark, Polars or Trino open the same tables. Each commit carries its
TableVersion and, when an asset wrote it, the asset's whole Materialization record, so that data and record
cannot part.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from recsys_lineage.errors import LineageError, TableNotFound
from recsys_lineage.lake.commit_log import CommitLog
from recsys_lineage.lake.draft import Draft
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.storage import Storage
from recsys_lineage.lake.storage_fault import explained
from recsys_lineage.lake.table_files import active_files, read_files, scan_files, write_files
from recsys_lineage.lake.table_version import TableVersion
from recsys_lineage.lake.write_marker import WriteMarker, clean_dead_writes, delete_files_of

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,126}")


class Lake:
    """Versioned tables below one root.

    Args:
        uri: a local folder (made when first written to) or `s3://bucket/prefix`.
        engine: how DuckDB connections are made.
    """

    def __init__(self, uri: str, engine: Engine | None = None) -> None:
        self.storage = Storage.open(uri)
        self.engine = engine or Engine()

    @property
    def uri(self) -> str:
        """The root, absolute."""
        return self.storage.uri

    def connect(self, *others: Lake) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that can read and write the files of this lake, and of `others`."""
        connection = self.engine.connect()
        self.storage.attach(connection)
        for other in others:
            if not other.storage.is_local and self.storage.is_local:
                other.storage.attach(connection)
        return connection

    def table_uri(self, table: str) -> str:
        """Where a table lies; any Delta reader opens it there.

        Raises:
            LineageError: for a name that is not lower-case letters, digits and underscores.
        """
        if not _NAME.fullmatch(table):
            raise LineageError(
                f"{table!r} cannot be a table's name.",
                expected="lower-case letters, digits and underscores, not starting with a digit",
                advice="rename the asset",
            )
        return self.storage.path(table)

    def log(self, table: str) -> CommitLog:
        """The table's commits, read without replaying them."""
        return CommitLog(self.storage, table, self.table_uri(table))

    def tables(self) -> list[str]:
        """Names of all tables, sorted."""
        folders = self.storage.folders(self.uri)
        return [name for name in folders if _NAME.fullmatch(name) and self.has(name)]

    def has(self, table: str) -> bool:
        """Whether the table has at least one committed version."""
        with explained(self.storage, table):
            return self.log(table).has(0)

    def version(self, table: str, version: int | None = None) -> TableVersion:
        """A version of a table; the latest when none is named.

        Raises:
            TableNotFound: when the table or that version does not exist.
            LineageError: when its commit is damaged.
        """
        return TableVersion.from_json(self.commit(table, version)["table_version"])

    def latest(self, table: str) -> TableVersion | None:
        """The latest version, or None for a table that was never written."""
        with explained(self.storage, table):
            number = self.log(table).latest()
        return None if number is None else self.version(table, number)

    def versions(self, table: str) -> list[TableVersion]:
        """All versions of a table, oldest first.

        Raises:
            TableNotFound: when the table does not exist.
        """
        return [TableVersion.from_json(carried["table_version"]) for carried in self.commits(table)]

    def commit(self, table: str, version: int | None = None) -> dict[str, Any]:
        """What a commit carries: `table_version` and, where an asset wrote it, `record`.

        Raises:
            TableNotFound: when the table or that version does not exist.
            LineageError: when the commit is damaged.
        """
        with explained(self.storage, table):
            log = self.log(table)
            number = log.latest() if version is None else version
            if number is None or not log.has(number):
                raise self._not_found(table, version)
            return log.carried(number, number)[0]

    def commits(self, table: str, since: int = 0) -> list[dict[str, Any]]:
        """What all commits from version `since` on carry, oldest first; empty when there are none so new.

        Raises:
            TableNotFound: when the table does not exist.
            LineageError: when one of them is damaged.
        """
        with explained(self.storage, table):
            log = self.log(table)
            last = log.latest()
            if last is None:
                raise self._not_found(table, None)
            return log.carried(since, last)

    def relation(
        self,
        version: TableVersion,
        partitions: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> str:
        """SQL that reads exactly one version, for a FROM clause on a connection of `connect`.

        Args:
            version: the version to read.
            partitions: only these partitions; all when None.
            columns: only these columns; all when None.
        """
        files = self._files(version, partitions)
        kept = [column for column in version.schema if columns is None or column.name in columns]
        return read_files(files, version.schema, kept, version.partition_column)

    def scan(self, version: TableVersion) -> pl.LazyFrame:
        """One version as a Polars LazyFrame, read from the same Parquet files by Polars itself."""
        files = self._files(version)
        if not files:
            return pl.DataFrame(self.arrow(version)).lazy()
        return scan_files(files, version.schema, version.partition_column, self.storage)

    def added_between(self, table: str, since: int | None, until: int) -> pl.DataFrame:
        """Rows of a table that is only appended to: those added after version `since`, up to `until`.

        Raises:
            TableNotFound: when the table or version `until` does not exist.
            LineageError: when one of its files is missing or damaged.
        """
        latest = self.version(table, until)
        files = set(self._files(latest))
        if since is not None:
            files -= set(self._files(self.version(table, since)))
        with explained(self.storage, table), self.connect() as connection:
            query = read_files(sorted(files), latest.schema, latest.schema, latest.partition_column)
            return connection.sql(f"SELECT * FROM {query}").pl()

    def arrow(self, version: TableVersion) -> pa.Table:
        """One version as an Arrow table.

        Raises:
            LineageError: when one of its files is missing or damaged.
        """
        with explained(self.storage, version.table), self.connect() as connection:
            return connection.sql(f"SELECT * FROM {self.relation(version)}").to_arrow_table()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside the block, a missing or damaged file of this lake raises a LineageError that names it.

        For queries over `relation` on a connection of one's own; other errors pass unchanged.
        """
        with explained(self.storage, ""):
            yield

    @contextmanager
    def draft(
        self,
        table: str,
        query: str,
        *,
        connection: duckdb.DuckDBPyConnection,
        parameters: Mapping[str, Any] | None = None,
        partition_by: str | None = None,
        partitions: Sequence[str] | None = None,
        append: bool = False,
    ) -> Iterator[Draft]:
        """Write a query's files without committing them, so that they can be checked first.

        Args:
            table: the table's name.
            query: one SELECT, run on `connection`.
            connection: a connection of `connect`, holding whatever the query reads.
            parameters: the query's named parameters.
            partition_by: the column whose values are the partitions.
            partitions: replace only these partitions (each, also one without rows); all when None.
            append: add to what is there instead of replacing it.

        Yields:
            The draft. What is not committed when the block ends is deleted again.

        Raises:
            InsufficientSpace: when the disk is full or not writable.
            LineageError: when the query's columns cannot make a table, or a file that it reads from the lake
                is missing or damaged.
        """
        if partitions is not None and (append or not partition_by):
            raise LineageError(
                f"Partitions of table {table!r} were named to be replaced, but "
                + ("rows are to be appended." if append else "no column was named to partition it by."),
                advice="pass partition_by with partitions, and leave partitions out to append",
            )
        root = self.table_uri(table)
        write_id = uuid.uuid4().hex[:16]
        marker = WriteMarker(self.storage, root, write_id)
        with explained(self.storage, table, write_id):
            self.storage.make_folder(root)
            clean_dead_writes(self.storage, root, lambda id_: self.log(table).find(id_) is not None)
            marker.place()
        try:
            with explained(self.storage, table, write_id):
                written = write_files(connection, query, parameters, root, write_id, partition_by)
        except BaseException:
            delete_files_of(self.storage, root, [write_id])
            marker.remove()
            raise
        draft = Draft(self, table, write_id, written, partition_by, partitions, append, marker)
        try:
            yield draft
        finally:
            draft.close()

    def write(
        self,
        table: str,
        query: str,
        *,
        connection: duckdb.DuckDBPyConnection,
        parameters: Mapping[str, Any] | None = None,
        partition_by: str | None = None,
        partitions: Sequence[str] | None = None,
        append: bool = False,
        record: Mapping[str, Any] | Callable[[TableVersion], Mapping[str, Any]] | None = None,
        follows: int | None = None,
    ) -> TableVersion:
        """Write a query's result as the next version of a table: `draft` and `commit` in one.

        Returns:
            The committed version. A reader sees all of it or nothing.

        Raises:
            SchemaMismatch: when only some partitions are replaced and the columns differ from the table's.
            InsufficientSpace: when the disk is full or not writable.
            WriteConflict: when other writers kept winning; VersionMoved when the table is not at version `follows`.
        """
        with self.draft(
            table, query, connection=connection, parameters=parameters,
            partition_by=partition_by, partitions=partitions, append=append,
        ) as draft:  # fmt: skip
            return draft.commit(record, follows=follows)

    def write_arrow(
        self,
        table: str,
        data: pa.Table | pl.DataFrame,
        *,
        append: bool = False,
        record: Mapping[str, Any] | Callable[[TableVersion], Mapping[str, Any]] | None = None,
        follows: int | None = None,
    ) -> TableVersion:
        """Write an Arrow table or Polars frame as the next version of a table."""
        arrow = data.to_arrow() if isinstance(data, pl.DataFrame) else data
        with self.connect() as connection:
            connection.register("_frame", arrow)
            return self.write(
                table,
                "SELECT * FROM _frame",
                connection=connection,
                append=append,
                record=record,
                follows=follows,
            )

    def open_delta(self, table: str, version: int | None = None) -> DeltaTable | None:
        """The Delta table itself, at a version; None when it was never written.

        Raises:
            LineageError: when its log is damaged or cannot be read.
        """
        with explained(self.storage, table):
            try:
                return DeltaTable(
                    self.table_uri(table), version=version, storage_options=dict(self.storage.options) or None
                )
            except TableNotFoundError:
                return None

    def _files(self, version: TableVersion, partitions: Sequence[str] | None = None) -> list[str]:
        table = version.table
        if not self.log(table).has(version.version):
            raise self._not_found(table, version.version)
        delta = self.open_delta(table, version.version)
        if delta is None:
            raise self._not_found(table, version.version)
        wanted = None if partitions is None else set(partitions)
        root = self.table_uri(table)
        return [
            f"{root}/{path}"
            for path, _, key in active_files(delta, version.partition_column)
            if wanted is None or key in wanted
        ]

    def _not_found(self, table: str, version: int | None) -> TableNotFound:
        if version is None or not self.has(table):
            return TableNotFound(
                f"Table {table!r} does not exist in the lake.",
                found=", ".join(self.tables()) or "an empty lake",
                where=self.uri,
                advice=f"materialize {table} first",
            )
        return TableNotFound(
            f"Table {table!r} has no version {version}.",
            expected=f"a version from 0 to {self.version(table).version}",
            where=self.table_uri(table),
        )
