"""A trace needs memory for the rows that it finds, not for those of a join of many with many."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from recsys_lineage import trace_query

JOINS = {
    "groups that are told": "SELECT a.g, sum(a.x * b.y) AS s FROM a JOIN b ON b.k = a.k GROUP BY a.g",
    "groups that are not": "SELECT sum(a.x * b.y) AS s, count(*) AS c FROM a JOIN b ON b.k = a.k GROUP BY a.g",
    "all rows": "SELECT sum(a.x * b.y) AS s FROM a JOIN b ON b.k = a.k",
    "a table twice": "SELECT a.g, sum(a.x * o.x) AS s FROM a JOIN a AS o ON o.k = a.k JOIN (SELECT DISTINCT k FROM b) "
    "AS b ON b.k = a.k GROUP BY a.g",
    "what IN asks for": "SELECT g, count(*) AS c FROM a WHERE k IN (SELECT k FROM b WHERE y > 3) GROUP BY g",
}
"""Statements over two tables of 2,000 rows, of which a million pairs are joined."""


@pytest.fixture(scope="module")
def pairs() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two tables whose traces took from 50 to 900 MB, each joined row a copy of those it is made of."""
    with duckdb.connect(config={"memory_limit": "40MB", "threads": 1, "temp_directory": ""}) as connection:
        for table, group, value in (("a", "g", "x"), ("b", "h", "y")):
            connection.execute(
                f"CREATE TABLE {table} AS SELECT i % 4 AS k, i % 8 AS {group}, i % 97 AS {value}, "
                f"'some text of row ' || i AS words FROM range(2000) AS t(i)"
            )
        yield connection


@pytest.mark.parametrize("how", JOINS)
def test_joined_rows_are_not_held_to_find_what_they_are_made_of(
    pairs: duckdb.DuckDBPyConnection, how: str
) -> None:
    sql = JOINS[how]
    schemas = {
        table: {name: kind for name, kind, *_ in pairs.execute(f"DESCRIBE {table}").fetchall()}
        for table in ("a", "b")
    }
    cursor = pairs.execute(f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT 1")
    row = dict(zip([name for name, *_ in cursor.description or ()], cursor.fetchall()[0], strict=True))
    for table in schemas:
        found = pairs.execute(trace_query(sql, schemas, table, row)).fetchall()
        assert found and len(set(found)) == len(found)
        pairs.execute(
            f"CREATE OR REPLACE TEMP VIEW traced_{table} AS {trace_query(sql, schemas, table, row)}"
        )
        assert row in (
            pairs.sql(f"WITH {table} AS MATERIALIZED (FROM traced_{table}) {sql}")
            .to_arrow_table()
            .to_pylist()
        )
