"""Values of a PIVOT that are called like a column of its table are not taken for that column."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage import trace_query

SCHEMAS = {"t": {"shop": "VARCHAR", "a": "INTEGER", "k": "INTEGER", "x": "INTEGER"}}
ROWS = [("x", 1, 1, 5), ("y", 2, 1, 5), ("x", 3, 2, 6), ("a", 4, 2, 5), ("k", 5, 1, 6)]
STATEMENTS = [
    "PIVOT t ON shop IN ('x', 'y') USING max(a) GROUP BY k",
    "PIVOT t ON shop IN ('x', 'X') USING max(a) GROUP BY k",
    "PIVOT t ON shop IN ('k', 'x') USING sum(a) GROUP BY x",
    "PIVOT t ON shop IN ('a', 'shop') USING sum(a)",
    "PIVOT t ON shop IN ('x', 'a') USING sum(a), count(*)",
    "FROM t PIVOT (sum(a) FOR shop IN ('x', 'k') GROUP BY k)",
    "PIVOT t ON shop IN ('x', 'y') USING max(a), max(a) GROUP BY k",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_row_comes_out_again_of_the_rows_behind_it(statement: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (shop VARCHAR, a INTEGER, k INTEGER, x INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
        whole = connection.sql(f"FROM ({statement})")
        for values in whole.fetchall():
            row = dict(zip(whole.columns, values, strict=True))
            behind = connection.sql(trace_query(statement, SCHEMAS, "t", row)).fetchall()
            assert behind
            with duckdb.connect() as alone:
                alone.execute("CREATE TABLE t (shop VARCHAR, a INTEGER, k INTEGER, x INTEGER)")
                alone.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", behind)
                assert values in alone.sql(f"FROM ({statement})").fetchall()
