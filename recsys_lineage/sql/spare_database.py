"""A DuckDB database in memory that sees no files, lent for a few statements.

To create one takes DuckDB some twenty times as long as most statements about empty tables and single values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

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
    """Keep a database, which has no tables again, for the next one who takes one; beyond a few it is closed."""
    kept = _spare.setdefault(os.getpid(), [])
    if len(kept) < _MOST:
        kept.append(connection)
    else:
        connection.close()


@contextmanager
def spare_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for statements that create nothing; one that fails is not used again."""
    connection = take_database()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    give_back(connection)
