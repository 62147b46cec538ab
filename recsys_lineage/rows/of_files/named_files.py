"""NamedFiles: the files that an asset's own statement names, as tables in which each row has its file and number."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from recsys_lineage.errors import LineageError
from recsys_lineage.files.source_file import hashed_file
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read
from recsys_lineage.rows.lake_rows import file_reads
from recsys_lineage.rows.of_files.file_lines import changed
from recsys_lineage.rows.of_files.row_lines import row_lines
from recsys_lineage.sql.file_call import FileCall, replaced
from recsys_lineage.sql.names import path_literal, quote
from recsys_lineage.sql.sql_place import plain
from recsys_lineage.sql.sql_text import SqlText

_FILE, _ROW = "__file", "__row"
_ESCAPED = re.compile(r"\[([*?\[])\]")


@dataclass(frozen=True)
class NamedFiles:
    """The files that the statement of a run names, at their present place.

    Args:
        record: the run's record.
        folder: the present folder of the files with relative names; the one in the record when None.
    """

    record: Materialization
    folder: Path | None = None

    @cached_property
    def calls(self) -> Mapping[str, FileCall]:
        """The places of the statement that read files, by the name of the table with their rows."""
        statement = self.record.statement
        if statement is None or statement.relations or not self.reads:
            return {}
        found = SqlText(statement.text, f"the statement of {self.record.asset}").scans
        return {f"__rows_of_files_{place}": call for place, call in enumerate(found)}

    def __bool__(self) -> bool:
        return bool(self.calls)

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """The run's reads of files."""
        return file_reads(self.record)

    def reads_of(self, calls: Iterable[FileCall]) -> list[Read]:
        """The reads of some calls' files."""
        names = {name for call in calls for name in self._names(call)}
        return [read for read in self.reads if read.name in names]

    @cached_property
    def places(self) -> dict[str, Path]:
        """The present path of each file, by its name in the record."""
        return {read.name: Path(self.folder or read.root or "", read.name) for read in self.reads}

    @cached_property
    def statement(self) -> str:
        """The statement over the tables."""
        assert self.record.statement is not None
        tables = {
            call: f"(SELECT * EXCLUDE ({_FILE}, {_ROW}) FROM {quote(table)})"
            for table, call in self.calls.items()
        }
        return replaced(self.record.statement.text, tables)

    def open(self, connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
        """Make the tables on a connection that may open the files; returns their columns and types.

        Raises:
            FilesChanged: a file is gone, or has changed since the run read it.
            LineageError: DuckDB does not say from which file a row comes.
        """
        for read in self.reads:
            place = self.places[read.name]
            if not place.is_file():
                raise changed(read.name, self.record.asset, read.fingerprint, "no file", place)
            target = place.resolve()  # a link is read as the file that it leads to
            sha256 = hashed_file(target, target.name, target.parent).sha256
            if sha256 != read.fingerprint:
                raise changed(read.name, self.record.asset, read.fingerprint, f"sha256 {sha256[:16]}…", place)
        return {table: self._open(connection, table, call) for table, call in self.calls.items()}

    def _open(self, connection: duckdb.DuckDBPyConnection, table: str, call: FileCall) -> dict[str, str]:
        assert self.record.statement is not None
        names = self._names(call)
        paths = ", ".join(path_literal(str(self.places[name])) for name in names)
        relation = f"{call.function}([{paths}]{call.options})"
        parameters = self.record.statement.parameters
        used = {name: value for name, value in parameters.items() if f"${name}" in relation}
        numbered = f"SELECT *, file_index AS __place, row_number() OVER () AS __number FROM {relation}"
        try:
            connection.execute(
                f"CREATE TEMP TABLE {quote(table)} AS SELECT * EXCLUDE (__place, __number), "
                f"list_extract($names, __place::BIGINT + 1) AS {_FILE}, "
                f"1 + __number - min(__number) OVER (PARTITION BY __place) AS {_ROW} FROM ({numbered})",
                {**used, "names": names},
            )
        except duckdb.Error as error:
            raise LineageError(
                f"DuckDB does not say from which file each row of {call.function} comes.",
                expected="a function that reads rows of files",
                found=plain(error),
                where=call.where,
            ) from error
        described = connection.execute(f"DESCRIBE {quote(table)}").fetchall()
        return {column: kind for column, kind, *_ in described}

    def _names(self, call: FileCall) -> list[str]:
        """The names of a call's files in the record, in the order in which they are read."""
        known = {os.path.normpath(Path(read.root or "", read.name)): read.name for read in self.reads}
        paths = [os.path.normpath(_ESCAPED.sub(r"\1", pattern)) for pattern in call.patterns]
        if unknown := [path for path in paths if path not in known]:
            raise LineageError(
                f"The record of {self.record.asset!r} has no file of a name in its statement.",
                expected=", ".join(sorted(known)),
                found=unknown[0],
                where=call.where,
            )
        return [known[path] for path in paths]

    def lines_of(
        self, connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table
    ) -> dict[str, set[int] | None]:
        """The first lines of rows of one of the tables, by file; None for a file whose lines are not known."""
        found: dict[str, set[int] | None] = {}
        numbers: dict[str, set[int]] = {}
        for file, number in zip(rows[_FILE].to_pylist(), rows[_ROW].to_pylist(), strict=True):
            numbers.setdefault(file, set()).add(number)
        for file, of_file in numbers.items():
            lines = self._lines(connection, table, file)
            found[file] = None if lines is None else {lines[number - 1].start for number in of_file}
        return found

    def rows_of(
        self, connection: duckdb.DuckDBPyConnection, table: str, file: str, wanted: Iterable[int] | None
    ) -> pa.Table:
        """The rows of one of the tables that come from a file, or that stand on some of its lines.

        Raises:
            LineageError: its lines are not known.
        """
        chosen = f"FROM {quote(table)} WHERE {_FILE} = $file"
        if wanted is None:
            return connection.sql(chosen, params={"file": file}).to_arrow_table()
        lines = self._lines(connection, table, file)
        if lines is None:
            raise LineageError(
                f"The lines of the rows of {file} are not known.",
                expected="CSV, JSON with an object a line, or Parquet, of which every record is a row",
                found=self.calls[table].function,
                where=str(self.places[file]),
                advice="start from the whole file",
            )
        each = set(wanted)
        numbers = [number for number, of_row in enumerate(lines, start=1) if not each.isdisjoint(of_row)]
        parameters = {"file": file, "numbers": numbers}
        return connection.sql(
            f"{chosen} AND list_contains($numbers, {_ROW})", params=parameters
        ).to_arrow_table()

    def _lines(self, connection: duckdb.DuckDBPyConnection, table: str, file: str) -> list[range] | None:
        count = f"SELECT count(*) FROM {quote(table)} WHERE {_FILE} = $file"
        ((rows,),) = connection.execute(count, {"file": file}).fetchall()
        return row_lines(connection, self.calls[table], self.places[file], rows)
