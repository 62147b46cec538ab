"""ShortLists: the values of small tables written into the SQL of membership tests.

DuckDB evaluates membership in a table as a join, behind all of the query's own filters. A list of constants is a
filter itself, which it moves down to the scan, where it leaves out most rows before anything is computed of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from recsys_lineage.rows.statement.value_literal import is_one_of_several, value_literal
from recsys_lineage.sql.names import quote

MOST = 20
"""Rows of a table that is written as a list."""
_COLUMN = r"\w+|struct_extract_at\(\w+, \d+\)"
_TABLE = r'\w+|"\w+"'
_ONE_OF = re.compile(rf"(IN|= ANY) ?\(SELECT ({_COLUMN}) FROM ({_TABLE})\)")
_A_NULL = re.compile(
    rf"EXISTS ?\(SELECT 1 FROM ({_TABLE}) WHERE (?:({_COLUMN}) IS NULL|\(({_COLUMN}) IS NULL\))\)"
)
_PLAIN = (
    "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
    "uhugeint", "float", "double", "decimal", "varchar", "uuid", "date", "timestamp", "timestamp with time zone",
)  # fmt: skip
"""Types of which Python is given each value as it is."""


class ShortLists:
    """Short lists for the tables of one connection, which no longer change.

    Args:
        connection: on which they are.
        rows: the number of rows of a table of that name; None where it is not to be read.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: Callable[[str], int | None]) -> None:
        self._connection, self._rows = connection, rows
        self._lists: dict[tuple[str, str], tuple[str, ...] | None] = {}

    def put_into(self, text: str) -> str:
        """SQL with lists in place of tables that have few rows."""

        def one_of(found: re.Match[str]) -> str:
            values = self._values(found[3], found[2])
            return f"IN ({', '.join(values)})" if values else found[0]

        def null(found: re.Match[str]) -> str:
            values = self._values(found[1], found[2] or found[3])
            return found[0] if not values else str(_NULL in values).lower()

        return _A_NULL.sub(null, _ONE_OF.sub(one_of, text))

    def _values(self, table: str, column: str) -> tuple[str, ...] | None:
        """The literals of a column's values, each once; None where they are not to be written."""
        name = table.strip('"')
        if (name, column) not in self._lists:
            number = self._rows(name)
            known = number is not None and 0 < number <= MOST
            self._lists[name, column] = self._read(name, column) if known else None
        return self._lists[name, column]

    def _read(self, table: str, column: str) -> tuple[str, ...] | None:
        found = self._connection.sql(f"SELECT DISTINCT {column} FROM {quote(table)}")
        (kind,), values = found.types, [value for (value,) in found.fetchall()]
        if kind.id not in _PLAIN or any(is_one_of_several(value, kind) for value in values):
            return None
        return tuple(_NULL if value is None else value_literal(value, kind, column) for value in values)


_NULL = "NULL"
