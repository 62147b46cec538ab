"""Databases in memory for a test's few tables: to create an instance takes DuckDB longer than most statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb

from recsys_lineage.sql.names import quote

_kept: list[duckdb.DuckDBPyConnection] = []
_MADE = """
SELECT 'VIEW', database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal
UNION ALL
SELECT 'TABLE', database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT internal
"""


@contextmanager
def own_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in one thread without tables, which nobody else uses before the end of the block."""
    connection = _kept.pop() if _kept else duckdb.connect(config={"threads": 1})
    try:
        yield connection
        for kind, *names in connection.execute(_MADE).fetchall():
            connection.execute(f"DROP {kind} {'.'.join(map(quote, names))}")
    except BaseException:
        connection.close()
        raise
    _kept.append(connection)


def create_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[object]],
) -> None:
    """Create a table with columns (name → type) and rows."""
    connection.execute(
        f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})"
    )
    if rows:
        row = f"({', '.join('?' for _ in columns)})"
        values = [value for each in rows for value in each]
        connection.execute(f"INSERT INTO {name} VALUES {', '.join([row] * len(rows))}", values)
