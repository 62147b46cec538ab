"""A DuckDB database in memory that sees no files, lent for a few statements.

To create one takes DuckDB some twenty times as long as most statements about empty tables and single values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from recsys_lineage.sql.names import quote

_CONFIG: dict[str, Any] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "threads": 1,
}
_MOST = 4
_spare: dict[int, list[duckdb.DuckDBPyConnection]] = {}
"""Databases that nobody uses, by process: a fork neither uses nor closes its parent's."""


def take_database() -> duckdb.DuckDBPyConnection:
    """A database without tables, which nobody else uses until it is given back."""
    try:
        return _spare[os.getpid()].pop()
    except LookupError:
        return duckdb.connect(config=_CONFIG)


def give_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep a database, whose tables are dropped, for the next one who takes one; beyond a few it is closed."""
    kept = _spare.setdefault(os.getpid(), [])
    if len(kept) >= _MOST:
        connection.close()
        return
    try:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(f"DROP TABLE {quote(table)}")
    except duckdb.Error:
        connection.close()
    else:
        kept.append(connection)


@contextmanager
def spare_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for statements that create nothing; one that fails is not used again."""
    connection = take_database()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _spare.setdefault(os.getpid(), []).append(connection)
