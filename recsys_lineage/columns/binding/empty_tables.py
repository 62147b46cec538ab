"""EmptyTables: a DuckDB database of empty tables that describes statements over them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import duckdb

from recsys_lineage.columns.relation import folded
from recsys_lineage.sql.names import literal, quote

Columns = tuple[tuple[str, str], ...]
"""Names and DuckDB's types of a table's columns."""
_CONFIG: dict[str, Any] = {
    "threads": 1,
    "enable_external_access": False,
    "python_enable_replacements": False,
    "memory_limit": "256MB",
}
_MOST_TABLES = 2000
_STAND_INS: tuple[object, ...] = (None, "", 1)
"""Values for parameters whose types are not known, in order of trial; the first that DuckDB accepts is used."""


class EmptyTables:
    """An in-memory DuckDB database of this process with tables without rows, which cannot read anything from
    outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._there: dict[str, tuple[str, Columns]] = {}

    def described(
        self,
        sql: str,
        tables: Mapping[str, Columns],
        parameters: Sequence[str] = (),
        unnamed: int = 0,
        *,
        runs: bool = False,
    ) -> Columns:
        """Names and types of the columns of a statement's result, as a subquery in a FROM clause.

        Args:
            sql: one statement; it starts on the second line of the text that is run.
            tables: quoted name → columns of each table that it reads.
            parameters: the names of its `$name` parameters.
            unnamed: the number of its `?` parameters.
            runs: whether to run the statement instead of only describing it, which gives exact spellings of names.

        Raises:
            duckdb.Error: DuckDB refuses it.
        """
        first: duckdb.Error | None = None
        with self._lock:
            connection = self._with(tables)
            for stand_in in _STAND_INS if parameters or unnamed else (None,):
                values = dict.fromkeys(parameters, stand_in) if parameters else [stand_in] * unnamed
                whole = f"SELECT * FROM (\n{sql}\n)"
                try:
                    if runs:
                        shown = connection.execute(f"{whole} LIMIT 0", values or None).description or ()
                        return tuple((name, str(kind)) for name, kind, *_ in shown)
                    rows = connection.execute(f"DESCRIBE {whole}", values or None).fetchall()
                except duckdb.Error as error:
                    first = first or error
                else:
                    return tuple((name, kind) for name, kind, *_ in rows)
        assert first is not None
        raise first

    def queried(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query that reads no table."""
        with self._lock:
            return self._with({}).execute(sql, list(parameters) or None).fetchall()

    def parses(self, sql: str) -> bool:
        """Whether DuckDB parses a text as one statement."""
        with self._lock:
            try:
                return len(self._with({}).extract_statements(sql)) == 1
            except duckdb.Error:
                return False

    def extracted(self, sql: str) -> list[duckdb.Statement]:
        """The statements of a text.

        Raises:
            duckdb.Error: DuckDB refuses it.
        """
        with self._lock:
            return self._with({}).extract_statements(sql)

    def _with(self, tables: Mapping[str, Columns]) -> duckdb.DuckDBPyConnection:
        if self._connection is None or len(self._there) > _MOST_TABLES:
            self._connection, self._there = duckdb.connect(config=_CONFIG), {}
        for name, columns in tables.items():
            # a name in other letters is the same table to DuckDB
            if self._there.get(folded(name)) == (name, columns):
                continue
            _ = self._there.pop(folded(name), None)
            definitions = ", ".join(f"{quote(column)} {kind}" for column, kind in columns)
            _ = self._connection.execute(
                f"DROP TABLE IF EXISTS {quote(name)}; CREATE TABLE {quote(name)} ({definitions})"
            )
            self._there[folded(name)] = name, columns
        return self._connection


@cache
def empty_tables() -> EmptyTables:
    """The instance of this process."""
    return EmptyTables()


_of_parents: list[EmptyTables] = []
"""Instances of the parent processes of this fork, which are neither used nor closed here."""


def _begin_anew() -> None:
    _of_parents.append(empty_tables())
    empty_tables.cache_clear()


os.register_at_fork(after_in_child=_begin_anew)


def parameters_of(sql: str) -> tuple[str, ...]:
    """Names of a statement's `$name` parameters, sorted; none if DuckDB cannot parse it."""
    try:
        found = empty_tables().extracted(sql)
    except duckdb.Error:
        return ()
    return tuple(sorted({name for each in found for name in each.named_parameters}))


def is_syntax(sql: str) -> bool:
    """Whether DuckDB parses a text as one statement."""
    return empty_tables().parses(sql)


@lru_cache(4096)
def name_of_expression(sql: str) -> str | None:
    """DuckDB's column name for an expression without an alias; None if it cannot parse it."""
    statement = literal(f"SELECT {sql}")
    try:
        ((text,),) = empty_tables().queried(f"SELECT json_deserialize_sql(json_serialize_sql({statement}))")
    except duckdb.Error:
        return None
    return text.removeprefix("SELECT ")
