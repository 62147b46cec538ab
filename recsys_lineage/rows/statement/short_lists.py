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
"""Values of a table that are written as a list."""
MOST_OF_COMPUTED = 2_000
"""Values that are, where they are compared with an expression: of a row left out nothing else is computed then."""
_LOOKED_INTO = 100_000
"""Rows of a table in which different values are looked for."""
_COLUMN = r"\w+|struct_extract_at\(\w+, \d+\)"
_TABLE = r'\w+|"\w+"'
_ONE_OF = re.compile(rf"(\) )?(IN|= ANY) ?\(SELECT ({_COLUMN}) FROM ({_TABLE})\)")
_A_NULL = re.compile(
    rf"EXISTS ?\(SELECT 1 FROM ({_TABLE}) WHERE (?:({_COLUMN}) IS NULL|\(({_COLUMN}) IS NULL\))\)"
)
_NULL_AMONG = re.compile(
    rf"(\S+) IS NULL AND \(\1 IN \(SELECT ({_COLUMN}) FROM ({_TABLE})\) OR "
    r"\(\1 IS NULL AND EXISTS \(SELECT 1 FROM \3 WHERE \2 IS NULL\)\)\)"
)
"""That a column is NULL, and so is one of some values."""
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
        has_null: whether a column of such a table contains NULL.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        rows: Callable[[str], int | None],
        has_null: Callable[[str, str], bool],
    ) -> None:
        self._connection, self._rows, self._has_null = connection, rows, has_null
        self._lists: dict[tuple[str, str, int], tuple[str, ...] | None] = {}

    def put_into(self, text: str) -> str:
        """SQL with lists in place of tables that have few values."""

        def one_of(found: re.Match[str]) -> str:
            computed = found[1] or ""
            values = self._values(found[4], found[3], MOST_OF_COMPUTED if computed else MOST)
            return f"{computed}IN ({', '.join(values)})" if values else found[0]

        def null(found: re.Match[str]) -> str:
            known = self._knows_null(found[1], found[2] or found[3])
            return found[0] if known is None else str(known).lower()

        def null_among(found: re.Match[str]) -> str:
            return "false" if self._knows_null(found[3], found[2]) is False else found[0]

        return _A_NULL.sub(null, _ONE_OF.sub(one_of, _NULL_AMONG.sub(null_among, text)))

    def _knows_null(self, table: str, column: str) -> bool | None:
        """Whether a column contains NULL; None where its table is not to be read."""
        name = table.strip('"')
        number = self._rows(name)
        return None if number is None or number > _LOOKED_INTO else self._has_null(name, column)

    def _values(self, table: str, column: str, most: int) -> tuple[str, ...] | None:
        """The literals of a column's values, each once; None where they are not to be written."""
        name = table.strip('"')
        if (name, column, most) not in self._lists:
            number = self._rows(name)
            known = number is not None and 0 < number <= _LOOKED_INTO
            self._lists[name, column, most] = self._read(name, column, most) if known else None
        return self._lists[name, column, most]

    def _read(self, table: str, column: str, most: int) -> tuple[str, ...] | None:
        found = self._connection.sql(f"SELECT DISTINCT {column} FROM {quote(table)} LIMIT {most + 1}")
        (kind,) = found.types
        if kind.id not in _PLAIN:
            return None
        values = [value for (value,) in found.fetchall()]
        if len(values) > most or any(is_one_of_several(value, kind) for value in values):
            return None
        return tuple(_NULL if value is None else value_literal(value, kind, column) for value in values)


_NULL = "NULL"
