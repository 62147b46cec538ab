"""RowStore: the rows of many files as one relation, in memory while small, in Parquet files beyond that.

Rows come block by block, one file after another, and only a file that was read to its end without a fault keeps its
rows. Both ways give the same relation (a property test proves it), so the choice affects only speed.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet

from recsys_lineage.errors import InsufficientSpace
from recsys_lineage.lake.scratch_folder import ScratchFolder
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import path_literal, quote

MEMORY_BYTES = 64 << 20
"""Bytes that a relation may take in memory, in Arrow's layout; a larger one goes to disk."""
PIECE_BYTES = 16 << 20
"""Bytes written at a time once a relation goes to disk."""
MOST_TABLES = 1 << 10
"""The most Arrow tables held in memory, whatever their size; one of a single row takes some kilobytes."""
_GROUP_ROWS = 1 << 17


class RowStore:
    """Rows of files that are collected for a relation of a connection.

    Args:
        connection: the connection, whose scratch folder gets the Parquet files.
        name: the name of the relation.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection, self._name = connection, name
        # Names differ in case and in accents from file to file, and need not be such as a Parquet file may have twice
        self._names: dict[str, str] = {}
        self._folder: ScratchFolder | None = None
        self._pieces: list[tuple[Path, list[str]]] = []
        self._complete: list[pa.Table] = []
        self._taken: list[pa.Table] = []
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._bytes = 0
        self._joined = 0

    def take(self, file: str, rows: pa.Table) -> None:
        """Add some rows of the current file; all blocks of one file have the same columns.

        Raises:
            InsufficientSpace: the disk has no room for them.
        """
        if not rows.num_rows:
            return
        names = [self._names.setdefault(folded(name), f"c{len(self._names)}") for name in rows.column_names]
        path = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows), [file])
        self._taken.append(rows.rename_columns(names).append_column("_file", path))
        self._bytes += rows.nbytes
        if self._bytes > (PIECE_BYTES if self._pieces else MEMORY_BYTES):
            self._write()

    def accept(self) -> None:
        """Keep the rows of the current file, which was read without a fault.

        Raises:
            InsufficientSpace: the disk has no room for its rows.
        """
        if self._writer is None:
            self._complete += self._taken
            self._taken = []
            if len(self._complete) - self._joined >= MOST_TABLES:
                self._join()
        else:
            self._write_taken()
            self._close()

    def drop(self) -> None:
        """Drop the rows of the current file."""
        self._bytes -= sum(map(_bytes, self._taken))
        self._taken = []
        if self._writer is not None:
            self._close()
            self._pieces.pop()[0].unlink()

    def register(self, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        """Create the relation with these columns; a column that a file lacks is NULL."""
        con, name = self._connection, self._name
        con.execute(f"DROP VIEW IF EXISTS {quote(name)}")
        if self._pieces:
            self._write_complete()
            self._view(columns)
        else:
            con.register(name, self._table(columns))
            con.unregister(self._folder_name)
        self._complete = []
        _release_memory()

    @property
    def _folder_name(self) -> str:
        return f"{self._name}_folder"

    def _table(self, columns: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
        schema = pa.schema(columns)
        # empty_table() makes arrays of lists, for which pyarrow imports pandas
        tables = [pa.table([pa.nulls(0, field.type) for field in schema], schema=schema)]
        for table in self._complete:
            own = dict(zip(table.column_names, table.columns, strict=True))
            own["_file"] = own["_file"].cast(pa.string())
            arrays = [
                own[here] if (here := self._here(name)) in own else pa.nulls(table.num_rows, type_)
                for name, type_ in columns
            ]
            tables.append(pa.table(arrays, schema=schema))
        return pa.concat_tables(tables)

    def _view(self, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        # a view takes no bound parameters, so the paths become quoted literals
        paths = ", ".join(path_literal(str(path)) for path, _ in self._pieces)
        there = {name for _, names in self._pieces for name in names}
        texts = ", ".join(
            f"{quote(here) if (here := self._here(name)) in there else _null(type_)} AS {quote(name)}"
            for name, type_ in columns
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(self._name)} AS "
            f"SELECT {texts} FROM read_parquet([{paths}], union_by_name = true, "
            "hive_partitioning = false)"
        )

    def _here(self, name: str) -> str:
        return name if name == "_file" else self._names.get(folded(name), "")

    def _write(self) -> None:
        self._write_complete()
        self._write_taken()
        self._bytes = 0
        _release_memory()

    def _join(self) -> None:
        """Combine many small tables into one."""
        alike: dict[tuple[str, ...], list[pa.Table]] = {}
        for table in self._complete[self._joined :]:
            alike.setdefault(tuple(table.column_names), []).append(table)
        joined = (pa.concat_tables(tables).unify_dictionaries() for tables in alike.values())
        self._complete[self._joined :] = [table.combine_chunks() for table in joined]
        self._joined = len(self._complete)

    def _write_complete(self) -> None:
        if self._complete:
            table = pa.concat_tables(self._complete, promote_options="default").unify_dictionaries()
            self._complete, self._joined = [], 0
            self._writer = self._opened(table.schema)
            with self._room():
                self._writer.write_table(table, _GROUP_ROWS)
            self._close()

    def _write_taken(self) -> None:
        if self._taken:
            if self._writer is None:
                self._writer = self._opened(self._taken[0].schema)
            with self._room():
                self._writer.write_table(pa.concat_tables(self._taken), _GROUP_ROWS)
            self._taken = []

    def _opened(self, schema: pa.Schema) -> pyarrow.parquet.ParquetWriter:
        with self._room():
            if self._folder is None:
                self._folder = ScratchFolder(self._connection, self._folder_name)
            path = self._folder.path / f"{len(self._pieces)}.parquet"
            # Text of people is seldom worth a dictionary; the file's name, on each row, is
            writer = pyarrow.parquet.ParquetWriter(
                path,
                schema,
                compression="snappy",
                use_dictionary=["_file"],  # pyright: ignore[reportArgumentType]
                write_statistics=["_file"],  # pyright: ignore[reportArgumentType]
            )
        self._pieces.append((path, schema.names))
        return writer

    def _close(self) -> None:
        assert self._writer is not None, "a piece is being written"
        writer, self._writer = self._writer, None
        with self._room():
            writer.close()

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Convert errors of the disk to InsufficientSpace."""
        try:
            yield
        except OSError as error:
            if self._writer is not None:
                with suppress(OSError):
                    self._writer.close()
                self._writer = None
            place = str(self._folder.path) if self._folder else tempfile.gettempdir()
            raise InsufficientSpace(
                "The rows of the source's files could not be written to the temporary folder.",
                expected="room for the rows, compressed, of the files of one scan, in a folder that may be written to",
                found=str(error),
                where=place,
                advice="free space there, or let TMPDIR name a folder on a larger disk, and run again; "
                "nothing was changed",
            ) from error


def _release_memory() -> None:
    """Return freed memory that the allocators of Arrow and of Python's libraries keep, because DuckDB needs it."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def _bytes(table: pa.Table) -> int:
    return table.drop_columns("_file").nbytes


def _null(type_: pa.DataType) -> str:
    return "NULL::BIGINT" if pa.types.is_integer(type_) else "NULL::VARCHAR"
