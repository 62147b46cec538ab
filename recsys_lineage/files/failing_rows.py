"""Failing rows: rows at which the source's SQL fails, such as a text cast to a number, found by bisection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from recsys_lineage.errors import SqlFailed
from recsys_lineage.files.source_query import FileScan, SourceQuery
from recsys_lineage.sql.names import literal, quote
from recsys_lineage.sql.sql_place import plain
from recsys_lineage.sql.written_sql import OF_A_VALUE, WrittenSql

MOST_ROWS = 10
"""The most failing rows of one file that are listed; if there are more, no row of the file is loaded."""
MOST_RUNS = 600
"""The most times that the SQL is run on some of the rows, before the rest is given up whole."""


@dataclass
class FailingRows:
    """The rows at which the SQL of a raw table stops.

    Attributes:
        rows: file → line → DuckDB's error for that row.
        failed_files: file → DuckDB's error, for files with too many failing rows or no readable row.
    """

    rows: dict[str, dict[int, SqlFailed]] = field(default_factory=dict)
    failed_files: dict[str, SqlFailed] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.failed_files)

    @property
    def files(self) -> list[str]:
        """All files with a row that fails."""
        return sorted({*self.rows, *self.failed_files})

    @property
    def first(self) -> SqlFailed:
        """DuckDB's error for the first of them."""
        return next(error for _, error in self._errors_by_place())

    def condition(self) -> str:
        """SQL that is true for the rows of a scan that do not fail."""
        lines = [
            f"(_file = {literal(path)} AND _line IN ({', '.join(map(str, sorted(failing)))}))"
            for path, failing in sorted(self.rows.items())
            if path not in self.failed_files
        ]
        if self.failed_files:
            lines.append(f"_file IN ({', '.join(map(literal, sorted(self.failed_files)))})")
        return f"NOT ({' OR '.join(lines)})" if lines else "true"

    def without(self, relations: Mapping[FileScan, str]) -> dict[FileScan, str]:
        """The replacement for each scan, by its relation's name, that leaves out the failing rows."""
        return {scan: rows_where(name, self.condition()) for scan, name in relations.items()}

    def places(self) -> list[str]:
        """Each failing row and its position in the SQL, as text without values."""
        return [f"{place}: the SQL stops at it, at {error.where}" for place, error in self._errors_by_place()]

    def values(self) -> list[str]:
        """The same with DuckDB's message, which shows the value."""
        return [f"{place}: {error.found}" for place, error in self._errors_by_place()]

    def errors(self) -> list[SqlFailed]:
        """DuckDB's error for each failing row, in the same order."""
        return [error for _, error in self._errors_by_place()]

    def of_file(self, path: str) -> FailingRows:
        """The failing rows of one file."""
        return FailingRows(
            {path: self.rows[path]} if path in self.rows and path not in self.failed_files else {},
            {path: self.failed_files[path]} if path in self.failed_files else {},
        )

    def of_row(self, path: str, line: int) -> FailingRows:
        """One failing row alone."""
        return FailingRows({path: {line: self.rows[path][line]}})

    def _errors_by_place(self) -> list[tuple[str, SqlFailed]]:
        errors = [
            (f"{path}, {count} rows and more" if (count := len(self.rows.get(path, ()))) else path, error)
            for path, error in self.failed_files.items()
        ]
        errors += [
            (f"{path}:{line}", error)
            for path, failing in sorted(self.rows.items())
            if path not in self.failed_files
            for line, error in sorted(failing.items())
        ]
        return errors


def failing_rows(
    connection: duckdb.DuckDBPyConnection,
    query: SourceQuery,
    relations: Mapping[FileScan, str],
    own: Collection[FileScan],
    error: Exception,
) -> FailingRows:
    """The rows at which a source's SQL fails; none where the cause is not a value.

    The SQL is run on halves of the files, then on halves of a file's lines, a bounded number of times.

    Args:
        connection: one on which all scans of the SQL are open.
        query: the SQL.
        relations: the name under which each scan is open.
        own: the scans whose files determine their own rows. Other scans are searched only if every row of a file of
            these seems to fail.
        error: DuckDB's error for the whole query.
    """
    if not isinstance(error, OF_A_VALUE):
        return FailingRows()
    found = _Search(connection, query, relations, own or query.scans).found()
    others = set(query.scans) - set(own)
    if found.failed_files and own and others:
        of_others = _Search(connection, query, relations, others).found()
        if of_others and not of_others.failed_files:
            return of_others
    return found


class _Search:
    """One search through the rows of some scans."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: SourceQuery,
        relations: Mapping[FileScan, str],
        scans: Collection[FileScan],
    ) -> None:
        self._connection, self._query, self._relations = connection, query, relations
        self._scans = sorted(scans, key=str)
        self._left = MOST_RUNS
        self._found = FailingRows()

    def found(self) -> FailingRows:
        """The rows that fail."""
        files = " UNION ".join(
            f"SELECT DISTINCT _file FROM {quote(self._relations[scan])}" for scan in self._scans
        )
        self._at_files(sorted(path for (path,) in self._connection.execute(files).fetchall()))
        if self._found.rows and self._error(self._found.condition()) is not None:
            # a value at which the file's reader fails, whichever rows are requested
            for path in sorted(self._found.rows.keys() - self._found.failed_files.keys()):
                self._found.failed_files[path] = next(iter(self._found.rows.pop(path).values()))
        return self._found

    def _at_files(self, paths: list[str]) -> None:
        """Search the files of a range of all paths."""
        if not paths:
            return
        range_ = f"_file BETWEEN {literal(paths[0])} AND {literal(paths[-1])}"
        error = self._error(range_)
        if error is None:
            return
        if len(paths) > 1 and self._left > 0:
            before = len(self._found.files)
            middle = len(paths) // 2
            self._at_files(paths[:middle])
            self._at_files(paths[middle:])
            if len(self._found.files) > before:
                return
            # it takes rows of both
        elif len(paths) == 1 and self._left > 0:
            self._at_lines(paths[0], *self._lines(paths[0]), error)
            return
        self._found.failed_files.update(dict.fromkeys(paths, self._errors_by_place(range_, error)))

    def _at_lines(self, path: str, first: int, last: int, error: Exception) -> None:
        """Search a range of a file's lines in which the SQL is known to fail."""
        failing = self._found.rows.setdefault(path, {})
        range_ = f"_file = {literal(path)} AND _line BETWEEN {first} AND {last}"
        if first == last and len(failing) < MOST_ROWS:
            failing[first] = self._errors_by_place(range_, error)
            return
        before = len(failing)
        if first < last:
            middle = (first + last) // 2
            for start, end in ((first, middle), (middle + 1, last)):
                if path in self._found.failed_files:
                    return
                half = self._error(f"_file = {literal(path)} AND _line BETWEEN {start} AND {end}")
                if half is not None:
                    self._at_lines(path, start, end, half)
        if len(failing) == before or self._left <= 0:
            self._found.failed_files.setdefault(path, self._errors_by_place(range_, error))

    def _error(self, condition: str) -> Exception | None:
        """DuckDB's error for the rows that satisfy a condition."""
        self._left -= 1
        sql = f"SELECT max(hash(_row)) FROM ({self._written(condition).statement}) AS _row"
        try:
            self._connection.execute(sql).fetchall()
        except OF_A_VALUE as error:
            return error
        return None

    def _errors_by_place(self, condition: str, error: Exception) -> SqlFailed:
        explained = self._written(condition).failed(error, self._connection)
        return explained or SqlFailed(
            "The SQL cannot be computed for a value.", found=plain(error), where=self._query.origin
        )

    def _written(self, condition: str) -> WrittenSql:
        return self._query.written(
            {
                scan: rows_where(name, condition) if scan in self._scans else quote(name)
                for scan, name in self._relations.items()
            }
        )

    def _lines(self, path: str) -> tuple[int, int]:
        rows = " UNION ALL ".join(
            f"SELECT _file, _line FROM {quote(self._relations[scan])}" for scan in self._scans
        )
        sql = f"SELECT min(_line), max(_line) FROM ({rows}) WHERE _file = $path"
        return self._connection.execute(sql, {"path": path}).fetchall()[0]


def rows_where(relation: str, condition: str) -> str:
    """The rows of a relation that satisfy a condition, for a FROM clause."""
    return f"(SELECT * FROM {quote(relation)} WHERE {condition})"
