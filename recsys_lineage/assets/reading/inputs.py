"""Inputs: the only way for an asset's code to read; every read is observed here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pyarrow as pa
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from recsys_lineage.assets.reading.guarded_threads import guard_at_work
from recsys_lineage.assets.reading.input_files import InputFiles
from recsys_lineage.assets.reading.noted_query import note_query
from recsys_lineage.assets.reading.seen_part import SeenPart
from recsys_lineage.columns.frames.declared import ColumnsFrom
from recsys_lineage.columns.frames.frame_source import files_of
from recsys_lineage.errors import TableNotFound, UndeclaredRead, did_you_mean
from recsys_lineage.lake.delta_schema import columns_of
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion
from recsys_lineage.records.materialization import Materialization, ScannedFiles
from recsys_lineage.records.parts.read import Purpose, Read
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_text import SqlText

FILE = "_file"
"""The column that gives the file of each row of a table."""
SHARED_BY = 5
"""People who must share a value before a record may name it, unless the call gives another number."""


class Previous:
    """The asset's own previous version: its record and its table."""

    def __init__(self, inputs: Inputs, record: Materialization) -> None:
        self._inputs, self.record = inputs, record

    @property
    def statistics(self) -> Mapping[str, Any]:
        """Statistics of the asset's previous run."""
        return self.record.statistics

    def frame(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The table as it was, as a Polars frame; notes the Read."""
        return self._inputs.frame(self.record.asset, columns)

    def arrow(self) -> pa.Table:
        """The table as it was, as an Arrow table; notes the Read."""
        return self._inputs.arrow(self.record.asset)


class Inputs(InputFiles):
    """The inputs that one run of one asset may read, and its reads so far.

    The first read of a table pins its version: all later reads of the run use that version, whatever others commit
    meanwhile.

    Args:
        lake: the lake to read from.
        connection: the run's DuckDB connection.
        asset: the asset that runs.
        declared: the tables that the asset depends on.
        pinned: table → the version to read instead of the latest; these tables may be read too.
        previous: the record of the asset's previous version, for `previous`.
    """

    def __init__(
        self,
        lake: Lake,
        connection: DuckDBPyConnection,
        asset: str,
        declared: Collection[str],
        pinned: Mapping[str, int] | None = None,
        previous: Materialization | None = None,
    ) -> None:
        super().__init__(asset)
        self._lake, self._connection = lake, connection
        self.system = None if lake.storage.is_local else lake.storage.filesystem
        self._pinned = dict(pinned or {})
        self._previous = previous
        self._previous_was_read = False
        self._declared = frozenset(declared) | self._pinned.keys()
        if previous is not None and previous.version is not None:
            self._pinned.setdefault(asset, previous.version)
        self._versions: dict[str, TableVersion] = {}
        self._seen: dict[tuple[str, Purpose], SeenPart] = {}
        self._scans: dict[str, ScannedFiles] = {}
        self._made: dict[str, list[str]] = {}
        self._types: dict[str, Mapping[str, str]] = {}
        self._frames: dict[str, ColumnsFrom] = {}
        self._lazy: dict[str, pl.LazyFrame] = {}
        self._relations: dict[str, list[str]] = {}
        self._views: set[str] = set()
        self._noted: list[Read] = []
        self.shared: set[str] = set()
        self.vouched: set[str] = set()

    # --- what was read ------------------------------------------------------------------------------------

    @property
    def reads(self) -> tuple[Read, ...]:
        """Everything read so far: tables by name, then files by path."""
        own = (seen.read(self._versions[name], purpose) for (name, purpose), seen in self._seen.items())
        tables = sorted({*own, *self._noted}, key=lambda read: (read.name, read.purpose, read.version or 0))
        return (*tables, *self.files_read)

    @property
    def relations(self) -> dict[str, ScannedFiles]:
        """The files behind each relation of files on the run's connection."""
        return dict(self._scans)

    @property
    def names_made(self) -> set[str]:
        """Names of the relations that this run made, and of their columns."""
        return {*self._made, *(column for columns in self._made.values() for column in columns)}

    # --- tables -------------------------------------------------------------------------------------------

    def version(
        self, table: str, partitions: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> TableVersion:
        """The pinned version of a table; notes the read of these partitions and columns (None: all).

        Raises:
            UndeclaredRead: when the asset does not depend on the table.
            TableNotFound: when the table was never materialized.
        """
        self.require_declared(table)
        if table not in self._versions:
            self._versions[table] = self._lake.version(table, self._pinned.get(table))
        self._seen.setdefault((table, self._purpose_of(table)), SeenPart()).add(partitions, columns)
        return self._versions[table]

    def _purpose_of(self, table: str) -> Purpose:
        own = table == self.asset and self._previous_was_read
        return "previous" if own and self._purpose == "input" else self._purpose

    def note(self, reads: Iterable[Read]) -> None:
        """Note tables that lineage read on the asset's behalf, in versions of its own; the purpose is that of now."""
        self._noted += [replace(read, purpose=self._purpose) for read in reads if read.kind == "table"]

    def require_declared(self, table: str, where: str | None = None) -> None:
        """Require that the asset may read a table.

        Args:
            table: the table's name.
            where: the place that names it, for the error; the asset when None.

        Raises:
            UndeclaredRead: it does not depend on the table, nor is it its own and was asked for by `previous`.
        """
        if table in self._declared or (table == self.asset and self._previous_was_read):
            return
        known = {*self._declared, *self._made}
        advice = f"name {table} as a parameter of the function, or in reads=, so that the graph shows it"
        meant = did_you_mean(table, known)
        raise UndeclaredRead(
            f"Asset {self.asset!r} read {table!r}, on which it does not depend.",
            expected=", ".join(sorted(known)) or "no table at all",
            found=table,
            where=where or self.asset,
            advice=f"{meant} Else {advice}" if meant else advice,
        )

    def exists(self, table: str) -> bool:
        """Whether a table that the asset depends on was ever materialized."""
        return table in self._declared and self._lake.has(table)

    def previous(self) -> Previous | None:
        """The asset's own previous version, None for the first; notes the Read."""
        if self._previous is None or self._previous.version is None:
            return None
        self._previous_was_read = True
        self.version(self.asset, (), ())
        return Previous(self, self._previous)

    def relation(
        self, table: str, partitions: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> str:
        """SQL that reads the pinned version, for a FROM clause on the run's connection."""
        sql = self._lake.relation(self.version(table, partitions, columns), partitions, columns)
        self._relations[sql] = self._columns(table) if columns is None else list(columns)
        return sql

    def view(
        self, table: str, partitions: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> None:
        """Make the pinned version readable under the table's own name on the run's connection.

        Args:
            columns: those that will be read, for the Read; the view has all of them.
        """
        relation = self._lake.relation(self.version(table, partitions, columns), partitions)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(table)} AS FROM {relation}")
        self._views.add(table)

    def views(self, text: SqlText) -> None:
        """Make every table that a statement names readable on the run's connection; notes the columns that it reads."""
        columns = {}
        for table in text.tables:
            try:
                columns[table] = self._columns(table)
            except TableNotFound as error:
                raise TableNotFound(
                    error.message,
                    expected=error.expected,
                    found=f"{error.found}, in {error.where}",
                    where=text.place_of(table),
                    advice=error.advice,
                ) from None
        read = text.columns_read(columns)
        for table in text.tables:
            self.view(table, columns=read[table])

    def frame(
        self, table: str, columns: Sequence[str] | None = None, partitions: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The pinned version as a Polars frame, limited to some columns and partitions if they are named."""
        names = ", ".join(quote(column) for column in columns) if columns else "*"
        return self._connection.sql(f"SELECT {names} FROM {self.relation(table, partitions, columns)}").pl()

    def lazy(self, table: str) -> pl.LazyFrame:
        """The pinned version as a Polars LazyFrame over the same Parquet files.

        The Read names the columns that the plans read which the code has run; all where none was seen to run.
        """
        guard = guard_at_work()
        frame = self._lazy[table] = self._lake.scan(self.version(table, None, None if guard is None else ()))
        if guard is not None:
            seen = self._seen[table, self._purpose_of(table)]
            files = files_of(frame)
            seen.is_planned = False
            guard.scanned |= dict.fromkeys(files, seen.add_planned)
        return frame

    def arrow(self, table: str) -> pa.Table:
        """The pinned version as an Arrow table."""
        return self._connection.sql(f"SELECT * FROM {self.relation(table)}").to_arrow_table()

    def duckdb(self, table: str) -> DuckDBPyRelation:
        """The pinned version as a DuckDB relation on the run's connection."""
        return self._connection.sql(f"FROM {self.relation(table)}")

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The result of one SELECT over tables that the asset depends on and relations made by this run.

        Raises:
            SqlAssetError: when the text is no single SELECT, or reads files by itself.
            UndeclaredRead: when it names another table.
        """
        note_query(self, sql)
        return self._connection.sql(sql, params=dict(parameters) if parameters else None).pl()

    def columns_of(self, sql: str, parameters: Mapping[str, Any] | None = None) -> tuple[Column, ...]:
        """The columns of a SELECT over relations of this run, without running it."""
        return tuple(columns_of(self._connection, sql, dict(parameters) if parameters else None))

    def shared_values(
        self, relation: str, column: str, person: str, people: int = SHARED_BY
    ) -> dict[str, int]:
        """The values of a text column that many people share, each with its number of rows.

        Statistics and checks may name these and no other value of a row.

        Args:
            relation: a table that the asset depends on, or a relation made by this run.
            column: a column of the relation.
            person: its column that identifies people.
            people: the least number of people who share a value.
        """
        found = self.query(
            f"SELECT {quote(column)} AS value, count(*) AS rows FROM {quote(relation)} "
            f"WHERE {quote(column)} IS NOT NULL GROUP BY value "
            f"HAVING count(DISTINCT {quote(person)}) >= {int(people)} ORDER BY value"
        )
        self.shared |= set(found["value"])
        return dict(found.iter_rows())

    def vouch_for(self, texts: Iterable[str]) -> None:
        """Declare that texts contain no row values, such as names of files, or sentences about sums over many people.

        Statistics, checks, warnings and pictures may contain them, as a whole.
        """
        self.vouched |= set(texts)

    def traced_files(self, names: Collection[str]) -> frozenset[str]:
        """The given texts that are names of files from which a table that was read has rows."""
        bound, found = {"names": sorted(names)}, set()
        for table, columns in {**{t: v.columns for t, v in self._versions.items()}, **self._made}.items():
            if FILE in columns:
                sql = f"SELECT DISTINCT {FILE} FROM {quote(table)} WHERE {FILE} IN (SELECT unnest($names))"
                found |= set(self.query(sql, bound)[FILE])
        return frozenset(found)

    # --- relations and frames -----------------------------------------------------------------------------

    def register(
        self,
        name: str,
        data: pl.DataFrame | pa.Table | DuckDBPyRelation,
        columns_from: ColumnsFrom | None = None,
    ) -> None:
        """Make a frame readable under a name on the run's connection.

        Args:
            columns_from: column → the columns of tables from which Python computed it.
        """
        self._connection.register(name, data)
        self._made[name] = self._connection.table(name).columns
        if columns_from is not None:
            self._frames[name] = columns_from

    def relation_of_files(self, name: str, meaning: ScannedFiles, columns: Sequence[str]) -> None:
        """Note the files behind a relation on the run's connection."""
        self._scans[name] = meaning
        self._made[name] = list(columns)

    def files_by_name(self, name: str, columns: Sequence[Column]) -> None:
        """Note the columns of files that a statement names by a pattern."""
        self._types[name] = {column.name: column.type for column in columns}

    def schemas(self) -> dict[str, Mapping[str, str]]:
        """Columns and types of everything that a statement of this run may name: tables, files and frames."""
        tables = {
            name: {column.name: column.type for column in version.schema}
            for name, version in self._versions.items()
        }
        made = {
            name: {column.name: column.type for column in self.columns_of(f"FROM {quote(name)}")}
            for name in self._made
        }
        return {**tables, **self._types, **made}

    def versions(self) -> dict[str, int]:
        """The tables read so far, with the version of each."""
        return {name: version.version for name, version in self._versions.items()}

    def frame_columns(self) -> dict[str, ColumnsFrom]:
        """Origins of the columns of Python's frames: frame → column → columns of tables."""
        return dict(self._frames)

    def lazy_frames(self) -> dict[str, pl.LazyFrame]:
        """The tables that were passed as LazyFrames."""
        return dict(self._lazy)

    # --- inside -------------------------------------------------------------------------------------------

    def _columns(self, table: str) -> list[str]:
        """A table's columns, without noting a read yet."""
        return self.version(table, (), ()).columns
