"""Catalog: empty tables in DuckDB against which statements are bound, so that DuckDB determines their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb
from sqlglot.errors import SqlglotError

from recsys_lineage.errors import LineageError, SqlAssetError, did_you_mean
from recsys_lineage.rows.statement.syntax import Syntax
from recsys_lineage.sql.aggregate_functions import aggregate_functions
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.refused_name import advice_on
from recsys_lineage.sql.spare_database import give_back, take_database
from recsys_lineage.sql.sql_place import PiecedSql, place_in, plain, pointed_at
from recsys_lineage.sql.statement import bare_statement

ORIGIN = "<sql>"
UNKNOWN = '"NULL"'
"""The type of a column that is a plain NULL or parameter."""
_STAND_INS: tuple[object, ...] = (None, "0", 0, ["0"])
"""Values for parameters with unknown values, tried in order until DuckDB finds functions for them."""


class RowTraceError(LineageError):
    """A row cannot be traced through a statement."""


def not_taken(error: duckdb.Error) -> RowTraceError:
    """The error for a rewritten statement that DuckDB refuses, or for which it has too little memory."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return RowTraceError(
            "The rows are too many for the memory.",
            expected="as much memory as all rows take that the row is made of",
            found=str(error).splitlines()[0],
            where=ORIGIN,
            advice="give DuckDB more memory, or trace a row that is made of fewer rows",
        )
    return RowTraceError(
        "Rows cannot be traced through the statement.",
        expected="a statement whose rewriting DuckDB takes",
        found=str(error).splitlines()[0],
        where=ORIGIN,
        advice="write nested subqueries as entries of WITH",
    )


@dataclass(frozen=True)
class Column:
    """A column of a table or query: its name and DuckDB type."""

    name: str
    type: str


class Catalog:
    """Tables without rows, by name.

    Args:
        schemas: table → column → type.
        parameters: known values of parameters, for their types.

    Raises:
        RowTraceError: a type is unknown to DuckDB, or two tables or columns have one name.
    """

    def __init__(
        self, schemas: Mapping[str, Mapping[str, str]], parameters: Mapping[str, object] | None = None
    ) -> None:
        self._values = dict(parameters or {})
        self.connection = take_database()
        self.syntax = Syntax()
        self.columns: dict[str, tuple[Column, ...]] = {}
        self.tables: dict[str, str] = {}
        for table, columns in schemas.items():
            if table.casefold() in self.tables:
                raise RowTraceError(
                    f"Two tables are called {table!r}.", found=table, expected="one table a name"
                )
            self.tables[table.casefold()] = table
            self.add(table, [Column(name, kind) for name, kind in columns.items()])
        self._stand_in: object = None

    @cached_property
    def aggregates(self) -> frozenset[str]:
        """Names of DuckDB's aggregates."""
        return aggregate_functions()

    def add(self, table: str, columns: Sequence[Column]) -> None:
        """Add a table.

        Raises:
            RowTraceError: DuckDB refuses the columns.
        """
        given = ", ".join(f"{quote(each.name)} {each.type}" for each in columns)
        try:
            self.connection.execute(f"CREATE TABLE {quote(table)} ({given})")
        except duckdb.Error as error:
            raise RowTraceError(
                f"The columns of {table!r} cannot be.",
                expected="names, each once, with DuckDB's types",
                found=plain(error),
                where=table,
            ) from None
        self.columns[table.casefold()] = tuple(columns)

    def folded(self, table: str) -> str:
        """A given table's name as stored in this catalog.

        Raises:
            RowTraceError: there is no such table.
        """
        if table.casefold() not in self.tables:
            raise RowTraceError(
                f"There is no table {table!r}.",
                expected=f"one of {', '.join(sorted(self.tables.values()))}",
                found=table,
                where=ORIGIN,
                advice=did_you_mean(table, self.tables.values()) or None,
            )
        return table.casefold()

    def drop(self, table: str) -> None:
        """Remove a table."""
        self.connection.execute(f"DROP TABLE IF EXISTS {quote(table)}")
        self.columns.pop(table.casefold(), None)

    def close(self) -> None:
        """Leave the database to the next catalog."""
        give_back(self.connection)

    def columns_of(self, query: str, parameters: Sequence[str], *, sure: bool = True) -> tuple[Column, ...]:
        """The columns of a query's result.

        Args:
            query: a SELECT.
            parameters: the names of its parameters.
            sure: whether types that depend on the value of a parameter are returned as unknown.

        Raises:
            duckdb.Error: it cannot be bound.
        """
        if not parameters:
            return tuple(Column(row[0], row[1]) for row in self._described(query, None))
        tried = [self._stand_in, *(each for each in _STAND_INS if each is not self._stand_in)]
        found: list[tuple[Column, ...]] = []
        refused: duckdb.Error | None = None
        for value in tried:
            if len(found) == (2 if sure and not set(parameters) <= {*self._values} else 1):
                break
            try:
                given = {name: self._values.get(name, value) for name in parameters}
                rows = self._described(query, given)
            except duckdb.Error as error:
                refused = error
                continue
            if not found:
                self._stand_in = value
            found.append(tuple(Column(row[0], row[1]) for row in rows))
        if not found:
            assert refused is not None
            raise refused
        # a column that is of another type for another value is a parameter, whose type is not known
        return tuple(
            first if all(each[n].type == first.type for each in found) else Column(first.name, UNKNOWN)
            for n, first in enumerate(found[0])
        )

    def names_of(self, query: str) -> list[str]:
        """Column names of a query.

        Raises:
            duckdb.Error: it cannot be bound.
        """
        read = self.connection.extract_statements(query)
        parameters = sorted({name for each in read for name in each.named_parameters})
        return [column.name for column in self.columns_of(query, parameters, sure=False)]

    def _described(self, query: str, parameters: dict[str, object] | None) -> list[tuple[str, ...]]:
        return self.connection.execute(f"DESCRIBE {query}", parameters).fetchall()

    def refused(self, sql: str, error: Exception, lines_before: int = 0) -> SqlAssetError:
        """DuckDB's error for the author's statement, with its position in the text."""
        return SqlAssetError(
            "DuckDB refuses the SQL.",
            expected="one SELECT that the given tables and columns can answer",
            found=plain(error),
            where=place_in(bare_statement(sql), self._offset(sql, error, lines_before), ORIGIN),
            advice=advice_on(plain(error), self.tables.values()),
        )

    def _offset(self, sql: str, error: Exception, lines_before: int) -> int | None:
        """Position in a statement to which an error of DuckDB points."""
        try:
            pieces = PiecedSql.of(sql)
        except SqlglotError:  # such as a text that is not closed
            if (at := pointed_at(str(error), sql, lines_before)) is None:
                return None
            return sum(len(line) + 1 for line in sql.split("\n")[: at[0]]) + at[1]
        offset = pieces.offset(error, lines_before)
        try:  # with a word a line, the line that DuckDB names is the place
            self.connection.execute(f"DESCRIBE\n{pieces.sql}")
        except duckdb.Error as again:
            return pieces.offset(again, 1) if pieces.offset(again, 1) is not None else offset
        return offset
