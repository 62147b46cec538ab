"""What says something of whole tables is context where a lake's rows are followed, backward and forward alike."""

from __future__ import annotations

import random

import duckdb
import polars as pl
import pytest

from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.whole_tables import set_aside
from recsys_lineage.rows.trace_query import traced_tables

SCHEMAS = {"t": {"id": "BIGINT", "k": "BIGINT", "v": "BIGINT"}, "s": {"k": "BIGINT", "w": "BIGINT"}}
# statement: whether it looks at all of t
STATEMENTS = {
    "SELECT id, v / (SELECT sum(v) FROM t) AS share FROM t": True,
    "SELECT id, v, total FROM t, (SELECT sum(v) AS total FROM t)": True,
    "SELECT id, v FROM t WHERE v > (SELECT avg(v) FROM t)": True,
    "SELECT k, sum(v) AS v, any_value(n) AS n FROM t CROSS JOIN (SELECT count(*) AS n FROM t) GROUP BY k": True,
    "WITH most AS (SELECT k FROM t GROUP BY k ORDER BY count(*) DESC, k LIMIT 1) "
    "SELECT t.id, t.k IS NOT DISTINCT FROM most.k AS is_most FROM t CROSS JOIN most": True,
    "WITH n AS (SELECT k, count(*) AS n FROM t GROUP BY k), most AS (SELECT k FROM n ORDER BY n DESC, k LIMIT 1) "
    "SELECT id, v FROM t WHERE k IS NOT DISTINCT FROM (SELECT k FROM most)": True,
    "WITH a AS (SELECT sum(v) AS a FROM t), b AS (SELECT count(*) + a.a AS b FROM t, a GROUP BY a.a), "
    "c AS (SELECT a.a, max(b.b) AS b FROM a, b GROUP BY a.a LIMIT 1) SELECT id, c.b FROM t, c": True,
    "SELECT s.k, w, n FROM s LEFT JOIN (SELECT count(*) AS n FROM t) ON true": True,
    "SELECT id, 1 AS one FROM t UNION ALL SELECT k, (SELECT count(*) FROM t) FROM s": True,
    "SELECT id FROM t WHERE v = (SELECT max(v) FROM t)": False,
    "SELECT id, (SELECT sum(w) FROM s WHERE s.k = t.k) AS w FROM t": False,
    "SELECT sum(v) AS v FROM t": False,
    "SELECT v + 1 AS v FROM (SELECT sum(v) AS v FROM t)": False,
    "SELECT v, n FROM (SELECT sum(v) AS v FROM t), (SELECT count(*) AS n FROM s)": False,
    "SELECT id, v FROM t CROSS JOIN (SELECT w FROM s ORDER BY w, k LIMIT 1)": False,
    "SELECT k, sum(v) AS v FROM t GROUP BY k": False,
}


def connected(seed: int) -> duckdb.DuckDBPyConnection:
    """A connection with tables of few rows, all different, and of few values."""
    drawn = random.Random(seed)
    connection = duckdb.connect()
    rows = [(n, drawn.choice([None, 0, 1]), drawn.randint(1, 4)) for n in range(6)]
    others = [(0, 2), (1, 3)]
    frames = {
        "t": pl.DataFrame(rows, schema=["id", "k", "v"], orient="row"),
        "s": pl.DataFrame(others, schema=["k", "w"], orient="row"),
    }
    for name, frame in frames.items():
        connection.register("frame", frame)
        columns = ", ".join(f"{column}::{kind} AS {column}" for column, kind in SCHEMAS[name].items())
        connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM frame")
    return connection


def of(sql: str) -> Statement:
    statement = Statement(sql, Catalog(SCHEMAS, None))
    set_aside(statement)
    return statement


@pytest.mark.parametrize("sql", STATEMENTS)
def test_definitions_of_one_row_are_set_aside_where_others_are_joined_with_them(sql: str) -> None:
    assert bool(of(sql).aside) == STATEMENTS[sql]


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sql", STATEMENTS)
def test_rows_are_traced_back_and_forward_alike_and_what_they_lack_is_told(sql: str, seed: int) -> None:
    with connected(seed) as connection:
        result, given = connection.sql(sql).to_arrow_table(), connection.sql("FROM t").fetchall()
    read = [name for name in SCHEMAS if f" {name}" in sql]
    back: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    for place in range(result.num_rows):
        row = result.slice(place, 1)
        with connected(seed) as connection:
            traced = traced_tables(sql, SCHEMAS, read, row, connection, {})
        rows, told = traced["t"]
        assert (told.context is None) == (not STATEMENTS[sql])
        assert bool(told.insufficient) == STATEMENTS[sql]
        found = back.setdefault(tuple(row.to_pylist()[0].values()), set())
        found |= {tuple(each.values()) for each in rows.to_pylist()}
        _runs_again(sql, {name: held for name, (held, _) in traced.items()}, row, told.insufficient)
    for one in given:
        with connected(seed) as connection:
            connection.execute("CREATE TEMP TABLE given AS FROM t WHERE id = $id", {"id": one[0]})
            flows = flowed(sql, SCHEMAS, "t", "given", connection, {})
        forward = {tuple(each.values()) for each in flows.to_pylist()}
        assert forward == {row for row, rows in back.items() if one in rows}, one


def _runs_again(sql: str, traced: dict, row: object, lacking: tuple[str, ...]) -> None:  # type: ignore[type-arg]
    """On the traced rows alone the columns that lack nothing come out the same."""
    (wanted,) = row.to_pylist()  # type: ignore[attr-defined]
    with duckdb.connect() as connection:
        for name in SCHEMAS:
            connection.execute(f"CREATE TABLE {name} ({', '.join(map(' '.join, SCHEMAS[name].items()))})")
            if name in traced:
                connection.register("rows", traced[name])
                connection.execute(f"INSERT INTO {name} FROM rows")
        again = connection.sql(sql).to_arrow_table().to_pylist()
    same = [name for name in wanted if name not in lacking]
    assert not same or any(all(each[name] == wanted[name] for name in same) for each in again), (
        wanted,
        again,
    )
