"""Windows over whole partitions: a trace holds the rows of the wanted row's partition, not all of each row of it."""

from __future__ import annotations

import random
from functools import partial

import duckdb
import polars as pl
import pytest

from recsys_lineage.proof.rows import verify_rows
from recsys_lineage.rows.trace_query import trace, traced_tables
from tests.examples import JUDGES

SCHEMAS = {
    "t": {"id": "BIGINT", "k": "BIGINT", "name": "VARCHAR", "v": "BIGINT"},
    "s": {"k": "BIGINT", "word": "VARCHAR"},
}
STATEMENTS = {
    "average": "SELECT id, avg(v) OVER (PARTITION BY k) AS mean FROM t",
    "share of an expression": "SELECT id, v / sum(v) OVER (PARTITION BY k % 2, name) AS share FROM t",
    "two partitions": "SELECT id, count(*) OVER (PARTITION BY k) AS a, max(v) OVER (PARTITION BY name) AS b FROM t",
    "named": "SELECT id, sum(v) OVER w AS a, min(v) OVER w AS b FROM t WINDOW w AS (PARTITION BY k)",
    "of groups": "SELECT k, name, sum(v) / sum(sum(v)) OVER (PARTITION BY k) AS share FROM t GROUP BY k, name",
    "by an aggregate": "SELECT name, count(*) OVER (PARTITION BY count(*)) AS alike FROM t GROUP BY name",
    "having": "SELECT name, sum(count(*)) OVER (PARTITION BY min(k)) AS n FROM t GROUP BY name HAVING count(*) > 1",
    "qualified": "SELECT id, v FROM t QUALIFY count(*) OVER (PARTITION BY k) > 1",
    "qualified by the most": "SELECT id, v FROM t QUALIFY max(v) OVER (PARTITION BY k, name) = v",
    "by an alias": "SELECT id, k // 2 AS half, sum(v) OVER (PARTITION BY half) AS total FROM t",
    "joined": "SELECT id, word, count(*) OVER (PARTITION BY word) AS n FROM t JOIN s USING (k)",
    "outer": "SELECT id, word, sum(v) OVER (PARTITION BY word) AS n FROM t LEFT JOIN s ON s.k = t.k AND t.v > 1",
    "running beside": "SELECT id, sum(v) OVER (PARTITION BY k ORDER BY id) AS a, sum(v) OVER (PARTITION BY k) AS b "
    "FROM t",
    "distinct": "SELECT DISTINCT k, name, count(*) OVER (PARTITION BY k) AS n FROM t",
    "of a limit": "SELECT id, sum(v) OVER (PARTITION BY k) AS total FROM t ORDER BY total DESC, id LIMIT 3",
    "of a union": "SELECT x, count(*) OVER (PARTITION BY k) AS n "
    "FROM (SELECT id AS x, k FROM t UNION ALL SELECT 9, k FROM s)",
    "below another": "SELECT k, max(mean) AS m FROM (SELECT k, avg(v) OVER (PARTITION BY name) AS mean FROM t) "
    "GROUP BY k",
    "in a subquery": "SELECT id FROM t WHERE v >= "
    "(SELECT max(n) FROM (SELECT count(*) OVER (PARTITION BY k) AS n FROM s))",
    "filtered": "SELECT id, count(*) FILTER (v > 1) OVER (PARTITION BY k) AS n FROM t",
    "ranked": "SELECT id, percent_rank() OVER (PARTITION BY k ORDER BY v) AS place FROM t",
}  # fmt: skip


def rows(count: int, seed: int) -> dict[str, pl.DataFrame]:
    """Rows with few values, NULLs among them."""
    drawn = random.Random(seed)
    of_t = [
        (n, drawn.choice([None, 0, 1, 2]), drawn.choice([None, "a", "b"]), drawn.randint(0, 3)) for n in range(count)
    ]  # fmt: skip
    of_s = [(drawn.choice([None, 0, 1, 2]), drawn.choice("xy")) for _ in range(4)]
    return {
        "t": pl.DataFrame(
            of_t, schema={"id": pl.Int64, "k": pl.Int64, "name": pl.String, "v": pl.Int64}, orient="row"
        ),
        "s": pl.DataFrame(of_s, schema={"k": pl.Int64, "word": pl.String}, orient="row"),
    }


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(1 if JUDGES else 2))
@pytest.mark.parametrize("name", STATEMENTS)
def test_the_rows_of_partitions_are_enough_and_needed(name: str, seed: int) -> None:
    sql = STATEMENTS[name]
    proof = verify_rows(
        sql, SCHEMAS, rows(9, seed), partial(trace, sql, SCHEMAS), name=name, superfluous=False
    )
    assert proof.true, proof.report()


@pytest.mark.parametrize(
    "name", ["average", "two partitions", "named", "joined", "outer", "by an alias", "ranked"]
)
def test_a_trace_in_a_large_partition_fits_where_its_square_does_not(name: str) -> None:
    """A partition of 6,000 rows: lists of all of them for each would be 36 million."""
    sql = STATEMENTS[name]
    with duckdb.connect(config={"memory_limit": "150MB", "temp_directory": ""}) as connection:
        _ = connection.execute(
            "CREATE TABLE t AS SELECT i AS id, 1::BIGINT AS k, 'a' AS name, i % 7 AS v FROM range(6_000) AS r(i)"
        )
        _ = connection.execute("CREATE TABLE s AS SELECT 1::BIGINT AS k, 'x' AS word")
        result = connection.sql(f"FROM ({sql}) AS q ORDER BY id DESC LIMIT 1").to_arrow_table()
        traced = traced_tables(sql, SCHEMAS, ["t"], result, connection, {})
        assert traced["t"][0].num_rows > 1_500
