"""A row is traced although the statement, run again, gives other last digits, or another of equal rows."""

from __future__ import annotations

import random

import duckdb
import pyarrow as pa
import pytest

from recsys_lineage import trace_query
from recsys_lineage.rows.trace_query import trace_rows

SCHEMAS = {"t": {"g": "INTEGER", "v": "DOUBLE", "f": "VARCHAR", "n": "INTEGER"}}
STATEMENTS = [
    "SELECT g, avg(v) AS mean, sum(v) AS total FROM t GROUP BY g",
    "SELECT sum(v) AS total FROM t",
    "SELECT g, sum(v) / 7 AS total, count(*) AS n FROM t GROUP BY ALL HAVING sum(v) > 0",
    "SELECT g, stddev(v) AS spread FROM t GROUP BY ROLLUP (g)",
    "WITH s AS (SELECT g, sum(v) AS total FROM t GROUP BY g) SELECT total, total / 3 AS third FROM s",
    "WITH s AS (SELECT g, sum(v) AS total FROM t GROUP BY g) SELECT max(total) AS most FROM s",
    "SELECT DISTINCT sum(v) OVER (PARTITION BY g) AS total FROM t",
    "SELECT g, sum(v) AS total FROM t GROUP BY g UNION ALL SELECT g + 10, avg(v) FROM t GROUP BY g",
    "SELECT total FROM (SELECT g, sum(v) AS total FROM t GROUP BY g UNION SELECT 7, avg(v) FROM t)",
    "SELECT g, arg_min(f, n) AS f, any_value(f) AS a, first(f) AS b, count(*) AS n FROM t GROUP BY g",
    "SELECT g, list(f) AS f, string_agg(f, ',') AS a, mode(n) AS m FROM t GROUP BY g",
    "SELECT g, row_number() OVER (ORDER BY max(n)) AS place, sum(v) AS total FROM t GROUP BY g",
    "SELECT q.g, q.f, q.f || '!' AS said FROM (SELECT g, any_value(f) AS f FROM t GROUP BY g) AS q",
    "WITH q AS (SELECT g, list(f) AS fs, first(f) AS f FROM t GROUP BY g), r AS (FROM q) SELECT g, fs[1], f FROM r",
    "SELECT max(n) AS n, arg_min(f, n) AS f FROM t GROUP BY g",
    "SELECT stddev(length(f) * n + g) AS spread, count(*) AS n FROM t WHERE v > 0 GROUP BY f[2]",
    "SELECT g, {'mean': avg(v), 'n': count(*)} AS said FROM t GROUP BY g",
    "SELECT g, sum(v)::VARCHAR AS total FROM t GROUP BY g",
    "SELECT format('{}', s.mean) AS said, s.g FROM (SELECT g, avg(v) AS mean FROM t GROUP BY g) AS s",
    "SELECT [q.total, 1] AS said, q.g FROM (SELECT g, sum(v) AS total FROM t GROUP BY g) AS q",
    "SELECT f, row_number() OVER (PARTITION BY g ORDER BY n) AS place FROM t",
    "SELECT g, any_value(f) AS f FROM t GROUP BY g UNION ALL SELECT g + 10, first(f) FROM t GROUP BY g",
]


def made(seed: int) -> pa.Table:
    """The same rows, in an order of their own."""
    drawn = random.Random(0)
    rows = [
        {
            "g": k % 3,
            "v": drawn.choice([-1, 1]) * drawn.random() * 10.0 ** drawn.randrange(9),
            "f": f"f{k}",
            "n": 1,
        }
        for k in range(600)
    ]
    random.Random(seed).shuffle(rows)
    return pa.Table.from_pylist(
        rows, pa.schema([("g", pa.int32()), ("v", pa.float64()), ("f", pa.string()), ("n", pa.int32())])
    )


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """What a statement gives, as a table."""
    table = connection.sql(sql).to_arrow_table()
    assert table is not None
    return table


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_row_of_one_order_is_found_in_another(sql: str) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("t", made(1))
        result = answer(connection, sql)
        there = sorted(map(repr, result.to_pylist()))
        connection.register("t", made(2))
        assert sorted(map(repr, answer(connection, sql).to_pylist())) != there, "not put to the test"
        whole = connection.execute(trace_query(sql, SCHEMAS, "t", result.to_pylist()[0])).fetchall()
        assert whole, "one row"
        connection.register("given", result.slice(0, 2))
        both = connection.execute(trace_rows(sql, SCHEMAS, "t", "given").sql).fetchall()
        assert len(both) >= len(whole)


@pytest.mark.parametrize("sql", STATEMENTS[:1] + STATEMENTS[9:11])
def test_of_a_group_all_its_rows_are_found_and_no_other(sql: str) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("t", made(1))
        (row, *_) = answer(connection, sql).to_pylist()
        connection.register("t", made(2))
        found = connection.execute(trace_query(sql, SCHEMAS, "t", row)).fetchall()
        assert sorted(found) == sorted(connection.execute("FROM t WHERE g = ?", [row["g"]]).fetchall())


def test_of_rows_that_differ_in_what_was_taken_that_which_has_it_is_meant() -> None:
    sql = "SELECT q.n, q.f FROM (SELECT g, max(n) AS n, any_value(f) AS f FROM t GROUP BY g) AS q"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("t", made(1))
        for row in answer(connection, sql).to_pylist():
            found = connection.execute(trace_query(sql, SCHEMAS, "t", row)).fetchall()
            assert row["f"] in {name for _, _, name, _ in found}
            assert len({group for group, *_ in found}) == 1


def test_of_equal_rows_the_witness_has_what_was_taken() -> None:
    """All are the first by `n`; another order takes another, and the rows that are found give the row again."""
    sql = "SELECT g, arg_min(f, n) AS a, max_by(v, n) AS b, any_value(f) AS c, max(n) AS n FROM t GROUP BY g"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("t", made(1))
        row = answer(connection, sql).to_pylist()[0]
        connection.register("t", made(2))
        connection.execute(f"CREATE TABLE found AS {trace_query(sql, SCHEMAS, 't', row)}")
        assert answer(connection, sql.replace("FROM t", "FROM found")).to_pylist() == [row]


def test_what_comes_out_the_same_each_time_is_compared() -> None:
    sql = "SELECT g, count(*) AS n, sum(v) AS total FROM t GROUP BY g"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("t", made(1))
        (row, *_) = answer(connection, sql).to_pylist()
        assert len(connection.execute(trace_query(sql, SCHEMAS, "t", row)).fetchall()) == row["n"]
        wrong = {**row, "n": row["n"] + 1}
        assert connection.execute(trace_query(sql, SCHEMAS, "t", wrong)).fetchall() == []
