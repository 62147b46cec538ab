"""WrittenSql: a statement as written by its author, and the statement that runs; errors refer to the author's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
from sqlglot import exp

from recsys_lineage.errors import SqlFailed
from recsys_lineage.sql.file_call import FileCall, replaced
from recsys_lineage.sql.parsed import statements_of
from recsys_lineage.sql.refused_name import advice_on
from recsys_lineage.sql.sql_place import PiecedSql, line_of, place_in, plain, start_of
from recsys_lineage.sql.statement import bare_statement

OF_THE_TEXT = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)
"""Errors that DuckDB raises for the text of a statement, before it reads a row."""
OF_A_VALUE = (duckdb.DataError, duckdb.InvalidInputException)
"""Errors that DuckDB raises for a value that an expression cannot take."""
_WIDER = (
    "cast the column to a type that holds its values, such as DOUBLE or DECIMAL(38, 0); of a time with nanoseconds to "
    "TIMESTAMP, where microseconds are enough, or to VARCHAR"
)
_OF_A_COLUMN = re.compile(r"when casting from source column (\w+)")
_ADVICE = (
    "fix the value, or write TRY_CAST for CAST, try_strptime for strptime, TRY(f(x)) for another function f(x), and of "
    "JSON CASE WHEN json_valid(x) THEN x END for x: what cannot be read is NULL then"
)


@dataclass(frozen=True)
class WrittenSql:
    """One statement written by a person.

    Args:
        text: the file's content.
        origin: the file's path.
        relations: the replacements of its table functions over files.
    """

    text: str
    origin: str
    relations: Mapping[FileCall, str] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """The statement to run, without trailing semicolons and comments."""
        return bare_statement(replaced(self.text, self.relations))

    def failed(
        self,
        error: Exception,
        connection: duckdb.DuckDBPyConnection,
        parameters: Mapping[str, Any] | None = None,
    ) -> SqlFailed | None:
        """The error of this statement from an error of DuckDB; None if the statement is not at fault.

        The statement is given to DuckDB again, alone: first for planning, and if a value was at fault, for running.

        Args:
            error: DuckDB's error for an enclosing statement.
            connection: a connection with its tables.
            parameters: values of its parameters.
        """
        if not isinstance(error, OF_THE_TEXT + OF_A_VALUE):
            return None
        pieces = PiecedSql.of(self.text, self.relations)
        bound = dict(parameters) if parameters else None
        if (refused := _error_of(connection, f"EXPLAIN\n{pieces.sql}", bound)) is not None:
            return self._sql_failed(refused, pieces.offset(refused, lines_before=1))
        if not isinstance(error, OF_A_VALUE):
            return None
        refused = _error_of(connection, f"SELECT max(hash(_row))\nFROM (\n{pieces.sql}\n) AS _row", bound)
        if refused is None:
            return self._not_stored(error)
        if not isinstance(refused, OF_A_VALUE):
            return None
        return self._sql_failed(refused, pieces.offset(refused, lines_before=2))

    def place(self, start: int | None) -> str:
        """`origin:line:column` of a character of the text."""
        return place_in(self.text, start, self.origin)

    def _not_stored(self, error: Exception) -> SqlFailed | None:
        """Error about a column of the result whose value the table cannot store."""
        if (column := _OF_A_COLUMN.search(str(error))) is None:
            return None
        select = statements_of(bare_statement(self.text))[0]
        items = select.selects if isinstance(select, exp.Query) else []
        for node in items:
            if node.alias_or_name.casefold() == column[1].casefold():
                failed = SqlFailed(
                    f"A value of the column {node.alias_or_name!r} cannot be kept.",
                    found=plain(error),
                    where=self.place(start_of(node)),
                    advice=_WIDER,
                )
                failed.__cause__ = error
                return failed
        return None

    def _sql_failed(self, error: Exception, start: int | None) -> SqlFailed:
        where = self.place(start)
        if isinstance(error, OF_A_VALUE):
            failed = SqlFailed(
                "The SQL cannot be computed for a value.", found=plain(error), where=where, advice=_ADVICE
            )
            failed.__cause__ = error
            return failed
        line = None if start is None else line_of(self.text, start)
        words = plain(error)
        return SqlFailed(
            f"DuckDB refuses the SQL: {words}", found=line, where=where, advice=advice_on(words, ())
        )


def value_not_stored(error: Exception) -> SqlFailed | None:
    """The error for a value that a table cannot store, from DuckDB's error; None if it is about something else."""
    if not isinstance(error, OF_A_VALUE) or (column := _OF_A_COLUMN.search(str(error))) is None:
        return None
    failed = SqlFailed(
        f"A value of the column {column[1]!r} cannot be kept.", found=plain(error), advice=_WIDER
    )
    failed.__cause__ = error
    return failed


def _error_of(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None
) -> Exception | None:
    """DuckDB's error for a statement."""
    try:
        connection.execute(sql, parameters).fetchall()
    except OF_THE_TEXT + OF_A_VALUE as error:
        return error
    return None
