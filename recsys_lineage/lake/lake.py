"""Lake: a folder or object-store URL of versioned Delta tables, written by DuckDB.

DuckDB writes the Parquet files and the Delta log commits them. A write is therefore atomic, every old version stays
readable, and Spark, Polars or Trino open the same tables. Each commit carries its TableVersion and, when an asset wrote
it, the asset's whole Materialization record, so that data and record cannot be separated.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.commits.append_order import added_rows
from recsys_lineage.lake.commits.draft import Draft
from recsys_lineage.lake.commits.write_marker import WriteMarker, clean_dead_writes, delete_files_of
from recsys_lineage.lake.lake_tables import LakeTables
from recsys_lineage.lake.parquet.distinct_counts import with_distinct_counts
from recsys_lineage.lake.parquet.small_frame import MOST_ROWS, stored_as, write_small
from recsys_lineage.lake.parquet.table_files import (
    WrittenFiles,
    files_between,
    read_files,
    scan_files,
    write_files,
)
from recsys_lineage.lake.stores.storage_fault import explained
from recsys_lineage.lake.versions.table_version import TableVersion


class Lake(LakeTables):
    """Versioned tables below one root, for reading and writing.

    Args:
        uri: a local folder (created at the first write) or `s3://bucket/prefix`.
        engine: the factory of DuckDB connections.
        clock: returns the current time, UTC, for the moment of each commit.
    """

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

        Raises:
            TableNotFound: the version does not exist.
            VersionPruned: its files are gone.
        """
        files = self.files(version, partitions)
        kept = [column for column in version.schema if columns is None or column.name in columns]
        return read_files(files, version.schema, kept, version.partition_column)

    def scan(self, version: TableVersion) -> pl.LazyFrame:
        """One version as a Polars LazyFrame, read from the same Parquet files by Polars itself.

        Raises:
            TableNotFound: the version does not exist.
            VersionPruned: its files are gone.
        """
        files = self.files(version)
        if not files:
            return pl.DataFrame(self.arrow(version)).lazy()
        return scan_files(files, version.schema, version.partition_column, self.storage)

    def scan_between(
        self, version: TableVersion, column: str, earliest: datetime, latest: datetime
    ) -> pl.LazyFrame | None:
        """Like `scan`, without files that the log excludes for a range of times; None if no file is excluded.

        The remaining files also have rows of other times, so a reader must still filter.

        Args:
            version: the version to read.
            column: one of the `bounds` with which the table is written.
            earliest: the first requested time, UTC.
            latest: the last one.
        """
        self.require_files(version)
        delta = self.open_delta(version.table, version.version)
        assert delta is not None, "a version that was read has a log"
        paths = sorted(files_between(delta, column, earliest, latest))
        if not paths:
            return None
        root = self.table_uri(version.table)
        files = [f"{root}/{path}" for path in paths]
        return scan_files(files, version.schema, version.partition_column, self.storage)

    def added_between(self, table: str, since: int | None, until: int) -> pl.DataFrame:
        """Rows added to an append-only table after version `since`, up to `until`.

        The table may have been compacted in between, and the files of `since` may be gone.

        Raises:
            TableNotFound: the table or version `until` does not exist.
            VersionPruned: the files of `until` are gone.
            LineageError: one of its files is missing or damaged.
        """
        latest = self.version(table, until)
        rows = added_rows(self.commits(table, since + 1, until)) if since is not None else None
        files = self.files(latest)
        with explained(self.storage, table), self.cursor() as connection:
            if since is None:
                query = read_files(sorted(files), latest.schema, latest.schema, latest.partition_column)
            elif rows is None:
                new = sorted({*files} - {*self.logged_files(self.version(table, since))})
                query = read_files(new, latest.schema, latest.schema, latest.partition_column)
            else:
                query = rows.query(self.table_uri(table), files, latest, self.version(table, since).rows)
            return connection.sql(f"SELECT * FROM {query}").pl()

    def arrow(self, version: TableVersion) -> pa.Table:
        """One version as an Arrow table.

        Raises:
            VersionPruned: its files are gone.
            LineageError: one of its files is missing or damaged.
        """
        with explained(self.storage, version.table), self.cursor() as connection:
            return connection.sql(f"SELECT * FROM {self.relation(version)}").to_arrow_table()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside the block, a missing or damaged file of this lake raises a LineageError that names it.

        Use it for queries over `relation` on your own connection; other errors pass unchanged.
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
        bounds: Collection[str] = (),
    ) -> Iterator[Draft]:
        """Write a query's files without committing them, so that they can be checked first.

        Args:
            table: the table's name.
            query: one SELECT, run on `connection`.
            connection: a connection from `connect`, with everything that the query reads.
            parameters: the query's named parameters.
            partition_by: the column whose values are the partitions.
            partitions: replace only these partitions, also those without rows; all when None.
            append: add to the present rows instead of replacing them.
            bounds: columns of times, nothing personal, whose minimum and maximum the log keeps for each file.

        Yields:
            The draft. If it is not committed when the block ends, its files are deleted.

        Raises:
            InsufficientSpace: the disk is full or not writable.
            LineageError: the query's columns cannot form a table, or a file that it reads from the lake is missing or
                damaged.
        """
        if partitions is not None and (append or not partition_by):
            raise LineageError(
                f"Partitions of table {table!r} were named to be replaced, but "
                + ("rows are to be appended." if append else "no column was named to partition it by."),
                advice="pass partition_by with partitions, and leave partitions out to append",
            )

        def written(root: str, write_id: str) -> WrittenFiles:
            found = write_files(connection, query, parameters, root, write_id, partition_by, bounds)
            # the counts of what is added would not be the table's
            return found if append else with_distinct_counts(connection, root, found)

        with self._draft_of(table, written, partition_by, partitions, append) as draft:
            yield draft

    @contextmanager
    def _draft_of(
        self,
        table: str,
        write: Callable[[str, str], WrittenFiles],
        partition_by: str | None,
        partitions: Sequence[str] | None,
        append: bool,
    ) -> Iterator[Draft]:
        """Like `draft`, for files that `write` writes below a folder with the id of the write in their names."""
        root = self.table_uri(table)
        write_id = uuid.uuid4().hex[:16]
        marker = WriteMarker(self.storage, root, write_id)
        with explained(self.storage, table, write_id):
            self.storage.make_folder(root)
            clean_dead_writes(self.storage, root, lambda id_: self.log(table).find(id_) is not None)
            marker.place()
        try:
            with explained(self.storage, table, write_id):
                written = write(root, write_id)
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
        bounds: Collection[str] = (),
    ) -> TableVersion:
        """Write a query's result as the next version of a table: `draft` and `commit` in one.

        Returns:
            The committed version. Readers see all of it or nothing.

        Raises:
            SchemaMismatch: only some partitions are replaced and the columns differ from the table's.
            InsufficientSpace: the disk is full or not writable.
            WriteConflict: other writers kept winning; VersionMoved if the table is not at version `follows`.
        """
        with self.draft(
            table, query, connection=connection, parameters=parameters,
            partition_by=partition_by, partitions=partitions, append=append, bounds=bounds,
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
        bounds: Collection[str] = (),
    ) -> TableVersion:
        """Write an Arrow table or Polars frame as the next version of a table."""
        is_small = append and isinstance(data, pl.DataFrame) and 0 < data.height <= MOST_ROWS
        if is_small and (columns := stored_as(data, self.cursor)) is not None:
            with self._draft_of(
                table,
                lambda root, id_: write_small(self.storage, data, root, id_, columns, bounds),
                None,
                None,
                append,
            ) as draft:
                return draft.commit(record, follows=follows)
        arrow = data.to_arrow() if isinstance(data, pl.DataFrame) else data
        with self.cursor() as connection:
            connection.register("_frame", arrow)
            return self.write(
                table,
                "SELECT * FROM _frame",
                connection=connection,
                append=append,
                record=record,
                follows=follows,
                bounds=bounds,
            )
