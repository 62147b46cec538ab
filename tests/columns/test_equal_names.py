"""Columns of a subquery whose names are equal have DuckDB's names outside."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage import column_lineage

SCHEMAS = {"t": {"shop": "VARCHAR", "a": "INTEGER", "k": "INTEGER", "x": "INTEGER"}}
SUBQUERIES = [
    "SELECT a, k AS A, a FROM t",
    "PIVOT t ON shop IN ('x', 'y') USING max(a), max(a)",
    "PIVOT t ON shop IN ('x', 'y') USING max(a), max(a), sum(k), max(a) GROUP BY k",
    "PIVOT t ON shop IN ('x', 'y') USING max(a) GROUP BY x",
    "PIVOT t ON shop IN ('x', 'X') USING max(a) GROUP BY k",
    "PIVOT t ON shop IN ('x', 'y') USING max(a) AS m, min(a) AS m GROUP BY k",
    "FROM t PIVOT (max(a), max(a) FOR shop IN ('x', 'y') GROUP BY k)",
]


@pytest.mark.parametrize("subquery", SUBQUERIES)
def test_each_is_found_by_the_name_that_duckdb_gives_it(subquery: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (shop VARCHAR, a INTEGER, k INTEGER, x INTEGER)")
        names = connection.sql(f"FROM ({subquery})").columns
        for place, name in enumerate(names):
            quoted = '"' + name.replace('"', '""') + '"'
            connection.sql(f"SELECT {quoted} FROM ({subquery})")
            found = column_lineage(f"SELECT {quoted} AS one FROM ({subquery})", SCHEMAS)["one"]
            whole = [*column_lineage(subquery, SCHEMAS).values()][place]
            assert {(each.column, each.subtype) for each in found} >= {
                (each.column, each.subtype) for each in whole if each.kind == "DIRECT"
            }, name
