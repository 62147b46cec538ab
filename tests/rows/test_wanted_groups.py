"""Lists of the best groups: which rows of them are followed is the same with and without the stored result's help."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings

from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.flowing import Flowing
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.trace_query import traced_tables
from tests.examples import JUDGES
from tests.rows.generated import SCHEMAS, tables
from tests.rows.laws import Rows, connected

_PAIRS = """pairs AS (SELECT a.k AS one, b.k AS other, count(*) AS c FROM t AS a JOIN t AS b ON b.x = a.x AND b.n >= a.n
GROUP BY a.k, b.k HAVING count(*) >= 1)"""
_NUMBERS = "numbers AS (SELECT k, dense_rank() OVER (ORDER BY k) AS id FROM (SELECT DISTINCT k FROM t))"
CUT = {
    "the best two of each": f"WITH {_PAIRS} SELECT one, c, other FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c DESC, other) <= 2",
    "the best by place, equal ones all": f"WITH {_PAIRS} SELECT one, other FROM pairs "
    "QUALIFY rank() OVER (PARTITION BY one ORDER BY c) < 2",
    "the best, of equal ones any": f"WITH {_PAIRS} SELECT one, other, c FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c DESC) <= 1",
    "both ways, named": f"WITH {_PAIRS}, {_NUMBERS}, ways AS (SELECT one, other, c FROM pairs UNION ALL "
    "SELECT other, one, c FROM pairs), best AS (SELECT one.id, other.id AS o, 'best' AS how, c / 2 AS c FROM ways "
    "JOIN numbers AS one ON one.k = ways.one JOIN numbers AS other ON other.k = ways.other "
    "QUALIFY row_number() OVER (PARTITION BY ways.one ORDER BY c DESC, ways.other) <= 2) "
    "SELECT id, o, how, c FROM best UNION ALL SELECT y, y, 'u', y FROM u",
    "a union that takes copies away": f"WITH {_PAIRS}, best AS (SELECT one, other FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c, other DESC) <= 2) "
    "SELECT one, other FROM best UNION SELECT other, one FROM best",
    "the best of all": f"WITH {_PAIRS} SELECT one, other, c FROM pairs "
    "QUALIFY dense_rank() OVER (ORDER BY c, one) <= 2",
}
"""Statements that are to be found with the stored result's help."""
WHOLE = {
    "some of the best are left out": f"WITH {_PAIRS}, best AS (SELECT one, c, other FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c, other) <= 2) "
    "SELECT one, other FROM best WHERE other <> 'a'",
    "one condition more": f"WITH {_PAIRS} SELECT one, other FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c, other) <= 2 AND c > 1",
    "read elsewhere too": f"WITH {_PAIRS}, best AS (SELECT one, other FROM pairs QUALIFY row_number() OVER "
    "(PARTITION BY one ORDER BY c, other) <= 1) SELECT one, other FROM best UNION ALL SELECT max(one), NULL FROM pairs",
    "asked for elsewhere too": f"WITH {_PAIRS} SELECT one, other FROM pairs WHERE c < (SELECT sum(c) FROM pairs) "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c, other) <= 1",
    "where pairs may be missing": f"WITH {_PAIRS} SELECT k, other FROM t LEFT JOIN pairs ON one = k "
    "QUALIFY row_number() OVER (PARTITION BY k ORDER BY c, other) <= 2",
    "two orders": f"WITH {_PAIRS} SELECT one, other, rank() OVER (PARTITION BY one ORDER BY other) AS r FROM pairs "
    "QUALIFY row_number() OVER (PARTITION BY one ORDER BY c, other) <= 2",
    "the first of all": f"WITH {_PAIRS}, best AS (SELECT one, other FROM pairs QUALIFY row_number() OVER "
    "(PARTITION BY one ORDER BY c, other) <= 2) SELECT one, other FROM best ORDER BY ALL LIMIT 2",
    "no order": f"WITH {_PAIRS} SELECT one, other FROM pairs QUALIFY rank() OVER (PARTITION BY one) <= 2",
    "joined with others": f"WITH {_PAIRS}, best AS (SELECT one, other FROM pairs QUALIFY row_number() OVER "
    "(PARTITION BY one ORDER BY c, other) <= 2) SELECT one, other FROM best JOIN u ON u.k = best.other",
}
"""Statements of which the stored result does not tell the groups that matter."""
_TIES: dict[str, Rows] = {
    "t": [
        ("a", 0, 1),
        ("b", 0, 1),
        ("c", 0, 1),
        (None, 0, 1),
        ("a", 1, 2),
        ("b", 1, 2),
        ("c", 1, 3),
        ("a", 2, 3),
    ],
    "u": [("a", 1), ("b", 1), ("c", 2)],
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("how", [*CUT, *WHOLE])
@settings(
    max_examples=2 if JUDGES else 6,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=tables())
@example(data=_TIES)
def test_what_rows_flow_into_is_the_same_with_the_stored_result(how: str, data: dict[str, Rows]) -> None:
    sql = (CUT | WHOLE)[how]
    with pytest.MonkeyPatch.context() as patched, connected(data) as connection:
        patched.setattr("recsys_lineage.rows.stepwise._MOST_MARKED", 0)
        connection.execute(f"CREATE TABLE stored AS {sql}")
        for table in SCHEMAS:
            for row in list(dict.fromkeys(data[table]))[:3]:
                connection.execute(f"CREATE OR REPLACE TABLE given AS FROM {table} LIMIT 0")
                connection.execute(f"INSERT INTO given VALUES ({', '.join('?' for _ in row)})", row)
                found: list[list[str]] = []
                for stored in (False, True):
                    with connection.cursor() as cursor:
                        given_rows = (sql, SCHEMAS, table, "given", cursor, {})
                        rows = flowed(*given_rows, stored="stored" if stored else "", all_stored=stored)
                    found.append(sorted(map(repr, rows.to_pylist())))
                assert found[0] == found[1], (how, table, row)


@pytest.mark.parametrize("how", [*CUT, *WHOLE])
def test_groups_are_looked_up_where_the_stored_result_tells_them(how: str) -> None:
    catalog = Catalog(SCHEMAS)
    flowing = Flowing(Statement((CUT | WHOLE)[how], catalog), "t", "stored", all_stored=True)
    flowing.result("given")
    assert any(step.name.startswith("__wanted") for step in flowing.steps) == (how in CUT)


_REPEATED = "WITH repeated AS MATERIALIZED (SELECT hash(k) AS h FROM t GROUP BY hash(k) HAVING count(*) > 1) "


@pytest.mark.parametrize(
    "sql",
    [
        _REPEATED + "SELECT k, n FROM t WHERE n > 5 OR hash(k) NOT IN (SELECT h FROM repeated)",
        _REPEATED + "SELECT k, hash(k) IN (SELECT h FROM repeated) AS v FROM t",
        _REPEATED + "SELECT k, n FROM t WHERE hash(k) IN (SELECT h FROM repeated) AND n = 3",
    ],
)
def test_of_groups_by_a_computed_key_only_those_are_made_that_are_asked_for(sql: str) -> None:
    counted: Rows = [(f"{n % 100}", n // 100 + 2, n) for n in range(200)]
    data: dict[str, Rows] = {"t": [*counted, ("z", 3, 0)], "u": []}
    with connected(data) as connection:
        rows = connection.sql(f"FROM ({sql}) ORDER BY k DESC").to_arrow_table().slice(0, 1)
        found, _ = traced_tables(sql, SCHEMAS, ["t"], rows, connection, {})["t"]
        most = "SELECT max(estimated_size) FROM duckdb_tables() WHERE table_name NOT IN ('t', 'u')"
        assert connection.execute(most).fetchall()[0][0] <= 4
    assert found["k"][0].as_py() == rows["k"][0].as_py()


@pytest.mark.parametrize(
    "sql",
    [
        _REPEATED + "SELECT k, n FROM t WHERE n > 5 OR hash(k) NOT IN (SELECT h FROM repeated)",
        _REPEATED + "SELECT k, n, x FROM t WHERE hash(k) IN (SELECT h FROM repeated)",
    ],
)
def test_rows_flow_into_groups_by_a_computed_key_of_which_only_theirs_are_made(sql: str) -> None:
    counted: Rows = [(f"{n % 100}", n // 100 + 2, n) for n in range(200)]
    data: dict[str, Rows] = {"t": [*counted, ("z", 3, 0)], "u": []}
    with connected(data) as connection:
        connection.execute("CREATE TABLE given AS FROM t WHERE k = 'z'")
        with connection.cursor() as cursor:
            found = flowed(sql, SCHEMAS, "t", "given", cursor, {}, cache=StepCache(connection))
        most = "SELECT max(estimated_size) FROM duckdb_tables() WHERE table_name NOT IN ('t', 'u', 'given')"
        assert connection.execute(most).fetchall()[0][0] <= 4
        expected = connection.execute(f"SELECT * FROM ({sql}) WHERE k = 'z'").fetchall()
    assert sorted(zip(*found.to_pydict().values(), strict=True)) == sorted(set(expected))
