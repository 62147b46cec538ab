"""Inputs: the only way for an asset's code to read, and therefore the place where reads are observed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.errors import FilesChanged, LineageError, UndeclaredRead
from recsys_lineage.files.source_file import SourceFile, hashed_file, is_unchanged
from recsys_lineage.lake.fingerprint import quote
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.table_version import Column, TableVersion
from recsys_lineage.records.materialization import Read


class Inputs:
    """What one run of one asset may read, and what it has read so far.

    The first read of a table pins its version: everything that the run reads of it later comes from that version,
    whatever others commit meanwhile.

    Args:
        lake: the lake to read from.
        connection: the run's DuckDB connection.
        asset: the asset that runs, for messages.
        declared: the tables that the asset depends on.
        pinned: tables of which a given version is read instead of the latest; they may be read too. A run that may
            start from the asset's own previous version has that one here.
    """

    def __init__(
        self,
        lake: Lake,
        connection: duckdb.DuckDBPyConnection,
        asset: str,
        declared: Collection[str],
        pinned: Mapping[str, int] | None = None,
    ) -> None:
        self.lake, self.connection, self.asset = lake, connection, asset
        self._pinned = dict(pinned or {})
        self._declared = frozenset(declared) | self._pinned.keys()
        self._versions: dict[str, TableVersion] = {}
        self._partitions: dict[str, set[str] | None] = {}
        self._files: dict[str, Read] = {}
        self._seen: dict[str, tuple[Path, SourceFile]] = {}

    @property
    def reads(self) -> tuple[Read, ...]:
        """Everything read so far: tables by name, then files by path."""
        tables = []
        for name, version in sorted(self._versions.items()):
            partitions = self._partitions[name]
            tables.append(
                Read(
                    kind="table",
                    name=name,
                    fingerprint=version.fingerprint,
                    version=version.version,
                    schema=version.schema,
                    partitions=None if partitions is None else tuple(sorted(partitions)),
                    bytes=version.bytes,
                )
            )
        return (*tables, *(read for _, read in sorted(self._files.items())))

    def version(self, table: str, partitions: Sequence[str] | None = None) -> TableVersion:
        """The pinned version of a table; notes the read.

        Raises:
            UndeclaredRead: when the asset does not depend on the table.
            TableNotFound: when the table was never materialized.
        """
        if table not in self._declared:
            raise UndeclaredRead(
                f"Asset {self.asset!r} read {table!r}, on which it does not depend.",
                expected=", ".join(sorted(self._declared)) or "no table at all",
                found=table,
                where=self.asset,
                advice=f"name {table} in a FROM clause or as a parameter of the function, so that the graph shows it",
            )
        if table not in self._versions:
            self._versions[table] = self.lake.version(table, self._pinned.get(table))
            self._partitions[table] = set()
        known = self._partitions[table]
        if partitions is None:
            self._partitions[table] = None
        elif known is not None:
            known.update(partitions)
        return self._versions[table]

    def relation(self, table: str, partitions: Sequence[str] | None = None) -> str:
        """SQL that reads the pinned version, for a FROM clause on the run's connection."""
        return self.lake.relation(self.version(table, partitions), partitions)

    def view(self, table: str, partitions: Sequence[str] | None = None) -> None:
        """Make the pinned version readable under the table's own name on the run's connection."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(table)} AS FROM {self.relation(table, partitions)}"
        )

    def frame(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The pinned version as a Polars frame."""
        names = ", ".join(quote(column) for column in columns) if columns else "*"
        return self.connection.sql(f"SELECT {names} FROM {self.relation(table)}").pl()

    def lazy(self, table: str) -> pl.LazyFrame:
        """The pinned version as a Polars LazyFrame over the same Parquet files."""
        return self.lake.scan(self.version(table))

    def arrow(self, table: str) -> pa.Table:
        """The pinned version as an Arrow table."""
        return self.connection.sql(f"SELECT * FROM {self.relation(table)}").to_arrow_table()

    def file(
        self,
        path: str,
        *,
        bytes: int,
        sha256: str,
        schema: Sequence[Column] = (),
        seen: tuple[Path, SourceFile] | None = None,
    ) -> None:
        """Note that a source file was read.

        Args:
            path: how the record names it.
            bytes: its size.
            sha256: of its content.
            schema: its columns and their types, where it has any.
            seen: where it lies and how it was when it was hashed, for `confirm_files`.
        """
        self._files[path] = Read(
            kind="file", name=path, fingerprint=sha256, bytes=bytes, schema=tuple(schema)
        )
        if seen is not None:
            self._seen[path] = seen

    def open_file(self, path: str | Path) -> BinaryIO:
        """A file outside the lake, opened to be read as bytes; notes the read.

        Raises:
            LineageError: when it cannot be read.
        """
        place = Path(path).absolute()
        file = hashed_file(place, place.as_posix(), place.parent.resolve())
        if file.fault is not None:
            raise LineageError(
                f"Asset {self.asset!r} cannot read a file.", found=str(file.fault), where=file.path
            )
        self.file(file.path, bytes=file.bytes, sha256=file.sha256, seen=(place, file))
        return place.open("rb")

    def confirm_files(self) -> None:
        """Make sure that the files read are still what they were when they were hashed.

        Raises:
            FilesChanged: when one was written, replaced or removed meanwhile.
        """
        for name, (place, file) in sorted(self._seen.items()):
            if not is_unchanged(place, file):
                raise FilesChanged(
                    f"The file {name} changed while {self.asset} read it.",
                    expected=f"sha256 {file.sha256[:16]}…",
                    where=str(place),
                    advice=f"wait until the file is written to its end, then materialize {self.asset} again; readers "
                    "still see the version before",
                )
