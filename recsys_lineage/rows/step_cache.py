"""StepCache: results of steps shared by several statements, so that equal queries run once."""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import duckdb

from recsys_lineage.sql.names import quote

_LARGE = 100_000
"""Rows from which a table is not compared with others, because the comparison costs more than it saves."""


_MOST_HASHES = 5_000
"""The most values of a column of which each has a hash of its own."""


@dataclass(frozen=True)
class Values:
    """Different values of a column of a table, by their hashes.

    Attributes:
        digest: a hash of all of them and their type, without NULL.
        type: their type.
        hashes: a hash of each, without NULL; None where they are too many.
        has_null: whether NULL is among them.
    """

    digest: str
    type: str
    hashes: frozenset[int] | None
    has_null: bool

    def holds(self, others: Values) -> bool:
        """Whether others, without NULL, are surely among these."""
        if self.digest == others.digest:
            return True
        both = self.hashes is not None and others.hashes is not None and self.type == others.type
        return both and (others.hashes or frozenset()) <= (self.hashes or frozenset())


@dataclass(frozen=True)
class FoundPart:
    """A part of a table that was computed.

    Attributes:
        relation: the relation with its rows.
        values: column position → the values that its rows have, and whether NULL is excluded.
        answers: see `Within`.
    """

    relation: str
    values: Mapping[int, tuple[Values, bool]]
    answers: bool = False


class StepCache:
    """Tables filled by steps, by the steps' text; cursors of one connection share them, also across threads.

    Args:
        connection: the connection whose database has them, besides the temporary tables of its cursors.

    Attributes:
        counted: table → a hash of its rows, computed once for all cursors.
        columns: table → names and types of its columns.
        numbers: table → its number of rows.
        parts: the computed parts of tables.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.counted: dict[str, str] = {}
        self.columns: dict[str, list[tuple[str, str]]] = {}
        self.numbers: dict[str, int] = {}
        self.parts: dict[str, list[FoundPart]] = {}
        self._tables: dict[str, tuple[str, threading.Event]] = {}
        self._names, self._lock = itertools.count(), threading.Lock()

    def has(self, text: str) -> bool:
        """Whether a step with the same text was filled, or is being filled."""
        return _digest(text) in self._tables

    def table(self, text: str, fill: Callable[[str], int]) -> str:
        """The name of the table with the rows of a step with the same text; the first caller fills it.

        Args:
            text: the canonical text of the step.
            fill: creates a table of a name, and returns its number of rows.
        """
        key = _digest(text)
        while True:
            with self._lock:
                is_new = key not in self._tables
                if is_new:
                    self._tables[key] = f"__cached_{next(self._names)}", threading.Event()
                name, filled = self._tables[key]
            if is_new:
                try:
                    self.numbers[name] = fill(name)
                except BaseException:
                    del self._tables[key]
                    raise
                finally:
                    filled.set()
                return name
            _ = filled.wait()
            if name in self.numbers:
                return name


class Parts:
    """Computed parts of tables, from which smaller parts can be read.

    Args:
        before: the parts of other statements.
    """

    def __init__(self, before: StepCache | None = None) -> None:
        self._of_tables = {} if before is None else before.parts
        self._own: dict[str, list[FoundPart]] = {}

    def of(self, table: str) -> list[FoundPart]:
        """Computed parts of a table or definition."""
        return [*self._of_tables.get(table, ()), *self._own.get(table, ())]

    def add(self, table: str, part: FoundPart, *, is_shared: bool) -> None:
        """Note a part; a part of a table is shared with other statements."""
        (self._of_tables if is_shared else self._own).setdefault(table, []).append(part)


class Contents:
    """Hashes of the contents of one cursor's tables: equal if their rows, or the values of a column, are equal.

    Args:
        connection: the cursor.
        cache: the tables behind views of the cursor.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, cache: StepCache | None = None) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, str], Values] = {}
        self._counted = {} if cache is None else cache.counted
        self._columns = {} if cache is None else cache.columns
        self._numbers = {} if cache is None else cache.numbers
        self._own_numbers: dict[str, int] = {}
        self._views: dict[str, tuple[str, tuple[str, ...]]] = {}

    def note_view(self, view: str, table: str, columns: tuple[str, ...] = ()) -> None:
        """Note that a view of the cursor shows the rows of a cached table, possibly under its own column names."""
        self._views[view] = table, columns

    def number(self, table: str) -> int:
        """Number of rows of a table that no longer changes."""
        rows = self.base_table(table)
        numbers = self._numbers if table in self._views else self._own_numbers
        if rows not in numbers:
            found = self._connection.execute(f"SELECT count(*) FROM {quote(rows)}").fetchall()
            numbers[rows] = int(found[0][0])
        return numbers[rows]

    def has(self, table: str, number: int) -> None:
        """Note the number of rows of a table."""
        numbers = self._numbers if table in self._views else self._own_numbers
        numbers[self.base_table(table)] = number

    def base_table(self, table: str) -> str:
        """The table behind a view; the table itself if it is none."""
        return self._views[table][0] if table in self._views else table

    def of_rows(self, table: str) -> str:
        """A hash of a table's columns and rows in any order; a large table has a unique one."""
        if table not in self._views:
            columns = f"SELECT column_name, column_type FROM (DESCRIBE {quote(table)})"
            return self._result(table, "*", columns) + self._rows_of(table, table)
        rows, names = self._views[table]
        if rows not in self._counted:
            _ = self._counted.setdefault(rows, self._rows_of(rows, table))
        if rows not in self._columns:
            self._columns[rows] = [
                (name, kind) for name, kind, *_ in self._connection.execute(f"DESCRIBE {rows}").fetchall()
            ]
        own = [
            (alias or name, kind)
            for alias, (name, kind) in zip_longest(names, self._columns[rows], fillvalue="")
        ]
        return str(own) + self._counted[rows]

    def _rows_of(self, table: str, name: str) -> str:
        if self.number(name) > _LARGE:
            return self._known.setdefault((table, "unique"), uuid.uuid4().hex)
        if not self.number(name):
            return "no rows"
        rows = f"SELECT count(*), sum(hash(__t)::HUGEINT), bit_xor(hash(__t)) FROM {quote(table)} AS __t"
        return self._result(table, "", rows)

    def values(self, table: str, column: str) -> Values:
        """The different values of a column of a table."""
        if (table, column) not in self._values:
            of = f"SELECT DISTINCT {column} AS c FROM {quote(table)}"
            kind = f"(SELECT any_value(typeof({column})) FROM {quote(table)})"
            sums = f"{kind}, count(c), sum(hash(c)::HUGEINT) FILTER (c IS NOT NULL), "
            sums += "bit_xor(hash(c)) FILTER (c IS NOT NULL)"
            few = self.number(table) <= _MOST_HASHES
            hashes = "list(hash(c)) FILTER (c IS NOT NULL)" if few else "NULL"
            text = f"SELECT {sums}, count(*) > count(c), {hashes} FROM ({of})"
            ((*found, has_null, each),) = self._connection.execute(text).fetchall()
            known = frozenset(each or ()) if few else None
            self._values[table, column] = Values(str(found), str(found[0]), known, has_null)
        return self._values[table, column]

    def of_values(self, table: str, column: str) -> str:
        """A hash of the distinct values of a column of a table, without NULL."""
        return self.values(table, column).digest

    def has_null(self, table: str, column: str) -> bool:
        """Whether a column of a table contains NULL."""
        if (table, column) in self._values:
            return self._values[table, column].has_null
        text = f"SELECT EXISTS (SELECT 1 FROM {quote(table)} WHERE {column} IS NULL)"
        return self._result(table, f"{column}?", text) == "[(True,)]"

    def _result(self, table: str, what: str, query: str) -> str:
        if (table, what) not in self._known:
            self._known[table, what] = str(self._connection.execute(query).fetchall())
        return self._known[table, what]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def values_text(values: Mapping[str, object]) -> str:
    """The values of parameters as text, in the order of their names."""
    return repr(sorted(values.items()))
