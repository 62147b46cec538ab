"""The largest step of a trace, in rows and list entries."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from recsys_lineage.rows.excluding_rows import traced
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.trace_query import fits_of
from recsys_lineage.sql.names import quote


def largest_step(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    row: Mapping[str, object],
    connection: duckdb.DuckDBPyConnection,
) -> int:
    """The rows and list entries of the largest step that is kept to trace a row to all tables of a connection."""
    catalog = Catalog(schemas, {})
    statement = Statement(sql, catalog)
    tracing = traced(statement, tuple(schemas), *fits_of(statement, row))
    wanted = [tracing.rows_of(table) for table in map(str.casefold, schemas)]
    stepwise = Stepwise(connection, tracing.steps, {})
    for text in wanted:
        _ = stepwise.rows(text)
    catalog.close()
    return largest_kept(connection)


def largest_kept(connection: duckdb.DuckDBPyConnection) -> int:
    """The rows and list entries of the largest temporary table."""
    most = 0
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
        lists = connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = $t AND data_type LIKE '%[]'",
            {"t": table},
        ).fetchall()
        entries = ["count(*)", *(f"coalesce(sum(len({quote(name)})), 0)" for (name,) in lists)]
        ((held,),) = connection.execute(f"SELECT {' + '.join(entries)} FROM {quote(table)}").fetchall()
        most = max(most, int(held))
    return most
