"""Lake: a folder or object-store URL of versioned Delta tables, written by DuckDB.

DuckDB writes the Parquet files and the Delta log commits them. A write is therefore atomic, every old version
stays readable, and Spark, Polars or Trino open the same tables. Each commit carries its TableVersion and, when
an asset wrote it, the asset's whole Materialization record, so that data and record cannot part.
"""

from __future__ import annotations

import errno
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from recsys_lineage.draft import COMMIT_KEY, Draft
from recsys_lineage.engine import Engine
from recsys_lineage.errors import InsufficientSpace, LineageError, TableNotFound
from recsys_lineage.storage import Storage
from recsys_lineage.table_files import active_files, read_files, write_files
from recsys_lineage.table_version import TableVersion
from recsys_lineage.write_marker import WriteMarker, clean_dead_writes

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

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that can read and write this lake's files."""
        connection = self.engine.connect()
        self.storage.attach(connection)
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

    def tables(self) -> list[str]:
        """Names of all tables, sorted."""
        folders = self.storage.folders(self.uri)
        return [name for name in folders if self.storage.exists(self.storage.path(name, "_delta_log"))]

    def has(self, table: str) -> bool:
        """Whether the table has at least one committed version."""
        return self.open_delta(table) is not None

    def version(self, table: str, version: int | None = None) -> TableVersion:
        """A version of a table; the latest when none is named.

        Raises:
            TableNotFound: when the table or that version does not exist.
        """
        return TableVersion.from_json(self.commit(table, version)["table_version"])

    def latest(self, table: str) -> TableVersion | None:
        """The latest version, or None for a table that was never written."""
        return self.version(table) if self.has(table) else None

    def versions(self, table: str) -> list[TableVersion]:
        """All versions of a table, oldest first."""
        latest = self.version(table).version
        return [self.version(table, number) for number in range(latest + 1)]

    def commit(self, table: str, version: int | None = None) -> dict[str, Any]:
        """What a commit carries: `table_version` and, where an asset wrote it, `record`.

        Raises:
            TableNotFound: when the table or that version does not exist.
        """
        if version is None:
            delta = self.open_delta(table)
            if delta is None:
                raise self._not_found(table, None)
            version = delta.version()
        path = f"{self.table_uri(table)}/_delta_log/{version:020d}.json"
        try:
            log = self.storage.read_bytes(path)
        except FileNotFoundError:
            raise self._not_found(table, version) from None
        for line in log.splitlines():
            action = json.loads(line)
            if COMMIT_KEY in action.get("commitInfo", {}):
                return json.loads(action["commitInfo"][COMMIT_KEY])
        raise LineageError(
            f"Version {version} of table {table!r} was not written by this lake.",
            where=self.table_uri(table),
            advice="write lake tables through assets only; remove what another program committed",
        )

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
        delta = self.open_delta(version.table, version.version)
        if delta is None:
            raise self._not_found(version.table, version.version)
        wanted = None if partitions is None else set(partitions)
        root = self.table_uri(version.table)
        files = [
            f"{root}/{path}"
            for path, _, key in active_files(delta, version.partition_column)
            if wanted is None or key in wanted
        ]
        kept = [column for column in version.schema if columns is None or column.name in columns]
        return read_files(files, version.schema, kept, version.partition_column)

    def scan(self, version: TableVersion) -> pl.LazyFrame:
        """One version as a Polars LazyFrame, read from the same Parquet files by Polars itself."""
        options = dict(self.storage.options) or None
        return pl.scan_delta(
            self.table_uri(version.table), version=version.version, storage_options=options
        ).select(version.columns)

    def added_between(self, table: str, since: int | None, until: int) -> pl.DataFrame:
        """Rows of a table that is only appended to: those added after version `since`, up to `until`."""
        delta = self.open_delta(table, until)
        if delta is None:
            raise self._not_found(table, until)
        files = {path for path, _, _ in active_files(delta, None)}
        if since is not None and (before := self.open_delta(table, since)) is not None:
            files -= {path for path, _, _ in active_files(before, None)}
        schema = self.version(table, until).schema
        root = self.table_uri(table)
        with self.connect() as connection:
            query = read_files([f"{root}/{path}" for path in sorted(files)], schema, schema, None)
            return connection.sql(f"SELECT * FROM {query}").pl()

    def arrow(self, version: TableVersion) -> pa.Table:
        """One version as an Arrow table."""
        with self.connect() as connection:
            return connection.execute(f"SELECT * FROM {self.relation(version)}").to_arrow_table()

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
            append: add to what is there instead of replacing it (tables without partitions).

        Yields:
            The draft. What is not committed when the block ends is deleted again.

        Raises:
            InsufficientSpace: when the disk is full or not writable.
            LineageError: when the query's columns cannot make a table.
        """
        root = self.table_uri(table)
        write_id = uuid.uuid4().hex[:16]
        try:
            self.storage.make_folder(root)
            clean_dead_writes(self.storage, root, lambda id_: self._is_committed(table, id_))
            with WriteMarker(self.storage, root, write_id):
                draft: Draft | None = None
                try:
                    written = write_files(connection, query, parameters, root, write_id, partition_by)
                    draft = Draft(self, table, write_id, written, partition_by, partitions, append)
                    yield draft
                finally:
                    if draft is None or draft.committed is None:
                        self._remove_files(root, write_id)
        except (OSError, duckdb.IOException) as error:
            raise _storage_error(error, table, root) from error

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
        record: Mapping[str, Any] | None = None,
    ) -> TableVersion:
        """Write a query's result as the next version of a table: `draft` and `commit` in one.

        Returns:
            The committed version. A reader sees all of it or nothing.

        Raises:
            SchemaMismatch: when only some partitions are replaced and the columns differ from the table's.
            InsufficientSpace: when the disk is full or not writable.
            WriteConflict: when other writers kept winning.
        """
        with self.draft(
            table, query, connection=connection, parameters=parameters,
            partition_by=partition_by, partitions=partitions, append=append,
        ) as draft:  # fmt: skip
            return draft.commit(record)

    def write_arrow(
        self,
        table: str,
        data: pa.Table | pl.DataFrame,
        *,
        append: bool = False,
        record: Mapping[str, Any] | None = None,
    ) -> TableVersion:
        """Write an Arrow table or Polars frame as the next version of a table."""
        arrow = data.to_arrow() if isinstance(data, pl.DataFrame) else data
        with self.connect() as connection:
            connection.register("_frame", arrow)
            return self.write(
                table, "SELECT * FROM _frame", connection=connection, append=append, record=record
            )

    def open_delta(self, table: str, version: int | None = None) -> DeltaTable | None:
        """The Delta table itself, at a version; None when it was never written."""
        try:
            return DeltaTable(
                self.table_uri(table), version=version, storage_options=dict(self.storage.options) or None
            )
        except TableNotFoundError:
            return None
        except DeltaError as error:
            if version is not None:
                raise self._not_found(table, version) from error
            raise

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

    def _is_committed(self, table: str, write_id: str) -> bool:
        log = f"{self.table_uri(table)}/_delta_log"
        if not self.storage.exists(log):
            return False
        needle = write_id.encode()
        commits = sorted((p for p in self.storage.files(log) if p.endswith(".json")), reverse=True)
        return any(needle in self.storage.read_bytes(path) for path in commits)

    def _remove_files(self, root: str, write_id: str) -> None:
        for path in list(self.storage.files(root)):
            if write_id in path.rsplit("/", 1)[-1] and path.endswith(".parquet"):
                self.storage.delete(path)


def _storage_error(error: Exception, table: str, root: str) -> LineageError:
    text = str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text
    return InsufficientSpace(
        f"Table {table!r} could not be written" + (": the disk is full." if full else "."),
        expected="a place that can be written to, with room for the table and its temporary files",
        found=text.splitlines()[0] if text else type(error).__name__,
        where=root,
        advice="nothing of this write is visible; free space or mend the permissions, then materialize again",
    )
