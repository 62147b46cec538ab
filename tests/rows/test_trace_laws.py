"""The laws of a trace: its rows are enough for the row, it needs them, and they are rows of the table as they are."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recsys_lineage.rows.trace_query import traced_tables
from tests.examples import examples
from tests.rows.generated import SCHEMAS, Made, statements, tables
from tests.rows.laws import Rows, check_flow, check_laws, connected, result_of, traces_of


@settings(
    max_examples=examples(50), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(made=statements(), data=tables())
def test_traced_rows_are_rows_of_the_table_enough_and_needed(made: Made, data: dict[str, Rows]) -> None:
    check_laws(made, data)


RECURSIVE = {
    "a limit": "SELECT * FROM (SELECT t.k, x FROM r JOIN t ON n = v ORDER BY ALL LIMIT 1) AS q",
    "a limit at its end": "(SELECT t.k, x FROM r JOIN t ON n = v ORDER BY ALL LIMIT 2)",
    "an aggregate": "SELECT min(k), sum(v)::INTEGER + 1 FROM r HAVING max(v) < 4 AND count(*) > 0",
    "groups": "SELECT t.k, max(x) + v FROM r JOIN t ON n = v WHERE v < 4 GROUP BY t.k, v",
    "a window": "SELECT t.k, x + rank() OVER (ORDER BY x, v)::INTEGER FROM r JOIN t ON n = v WHERE v < 4",
    "QUALIFY": "SELECT t.k, x + v FROM r JOIN t ON n = v WHERE v < 4 QUALIFY row_number() OVER (ORDER BY x, v) = 1",
    "DISTINCT ON": "SELECT * FROM (SELECT DISTINCT ON (t.k) t.k, v + 1 FROM r JOIN t ON n = v WHERE v < 4 "
    "ORDER BY ALL) AS q",
    "NOT EXISTS": "SELECT t.k, x + v FROM r JOIN t ON n = v WHERE v < 4 AND NOT EXISTS (FROM r AS p WHERE p.v = t.x)",
    "a scalar subquery": "SELECT t.k, v + 1 FROM r JOIN t ON n = v WHERE v < 4 AND x >= (SELECT max(v) FROM r)",
    "an outer join": "SELECT t.k, coalesce(v, 2) + 1 FROM r RIGHT JOIN t ON n = v WHERE coalesce(v, 0) < 4",
    "an anti join": "SELECT t.k, x + 1 FROM t ANTI JOIN r ON n = v WHERE (SELECT max(v) FROM r) < 4",
    "pairs": "SELECT a.k, a.v + b.v FROM r AS a JOIN r AS b ON a.v <= b.v WHERE a.v > 0 AND b.v < 4",
    "one row at a time": "SELECT DISTINCT t.k, v + 1 FROM r LEFT JOIN t ON n = v WHERE v < 4",
}
"""Steps of a recursion, of which most are made of all rows of the step before."""


def _recursive(how: str) -> Made:
    return Made(f"WITH RECURSIVE r(k, v) AS (SELECT k, y FROM u UNION {RECURSIVE[how]}) FROM r", cut=True)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("how", RECURSIVE)
def test_traced_rows_of_a_recursion_are_enough(how: str) -> None:
    data: dict[str, Rows] = {
        "t": [("a", 1, 1), ("b", 2, 2), ("b", 1, 2), ("c", 2, 1), (None, 1, 3), ("b", 2, 2)],
        "u": [("a", 1), ("b", 2)],
    }
    check_laws(_recursive(how), data)


@settings(
    max_examples=examples(2), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(made=st.sampled_from(sorted(RECURSIVE)).map(_recursive), data=tables())
@example(made=_recursive("an aggregate"), data={"t": [("a", 1, 1)], "u": [("a", 1), ("b", 2)]})
def test_rows_of_a_recursion_flow_into_what_is_made_of_them(made: Made, data: dict[str, Rows]) -> None:
    check_laws(made, data)
    check_flow(made, data)


SET_APART = (
    "WITH q AS ({0} UNION ALL {1} ORDER BY ALL) FROM q",
    "WITH q AS (({0} UNION {1}) ORDER BY v LIMIT 2) SELECT k, v FROM q",
    "SELECT k, v FROM ({0} EXCEPT {1} ORDER BY ALL LIMIT 1) AS q",
    "({0} INTERSECT ALL {1} ORDER BY ALL) UNION ALL ({1} ORDER BY ALL LIMIT 1)",
)
"""Set operations that are ordered or cut below something else."""


@pytest.mark.parametrize("how", SET_APART)
def test_an_ordered_set_operation_is_traced_wherever_it_stands(how: str) -> None:
    data: dict[str, Rows] = {"t": [("a", 1, 0), ("b", 5, 0), ("b", 5, 1)], "u": [("a", 1), ("c", 2)]}
    check_laws(Made(how.format("SELECT k, n AS v FROM t", "SELECT k, y AS v FROM u"), cut=True), data)


UNNAMED = (
    "(SELECT max(y) FROM u)",
    "(SELECT count(*) FROM u WHERE u.k = t.k)",
    "EXISTS (FROM u WHERE u.k = t.k)",
    "t.k IN (SELECT k FROM u)",
    "ARRAY(SELECT y FROM u WHERE u.k = t.k ORDER BY y)::VARCHAR",
    "ARRAY(SELECT y FROM u WHERE u.k = t.k ORDER BY ALL DESC)::VARCHAR",
    "(VALUES (1))",
)
"""Expressions that DuckDB calls by the text of the query in them."""


@pytest.mark.parametrize("value", UNNAMED)
def test_a_subquery_without_an_alias_is_called_as_duckdb_calls_it(value: str) -> None:
    data: dict[str, Rows] = {"t": [("a", 1, 0), ("b", 5, 0)], "u": [("a", 1), ("a", 2)]}
    check_laws(Made(f"SELECT *, n + 1 AS m FROM (SELECT {value}, n FROM t) AS q", cut=True), data)


NUMBERED = (
    "SELECT k, (SELECT list(a_1 ORDER BY a) FROM (SELECT k AS a, y AS a FROM u WHERE u.k = t.k))::VARCHAR AS v FROM t",
    "SELECT t.k, sum(l.k_1)::INTEGER AS v FROM t, LATERAL (SELECT k, y AS k FROM u WHERE u.k = t.k) AS l GROUP BY t.k",
    "SELECT t.k, l.y AS v FROM t, LATERAL (SELECT k, y FROM u WHERE u.k = t.k) AS l(p)",
)
"""Correlated subqueries whose reader knows their columns by other names than they have inside."""


@pytest.mark.parametrize("sql", NUMBERED)
def test_columns_of_a_correlated_subquery_are_called_as_its_reader_calls_them(sql: str) -> None:
    data: dict[str, Rows] = {"t": [("a", 1, 0), ("b", 5, 0)], "u": [("a", 1), ("a", 2), ("b", 3)]}
    check_laws(Made(sql), data)


SO_FAR = (
    "WITH RECURSIVE r(k, v) AS (SELECT k, y FROM u UNION SELECT t.k, x FROM recurring.r AS r, t WHERE n = v) "
    "SELECT k, v FROM r",
    "WITH RECURSIVE r(v) AS (SELECT y FROM u UNION SELECT t.x FROM t, recurring.r AS a, recurring.r AS b "
    "WHERE t.n = a.v AND t.x > b.v) SELECT t.k, v FROM r, t WHERE t.n = v",
)
"""Recursive queries whose steps read all rows so far."""


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1 knows them with USING KEY only")
@pytest.mark.parametrize("sql", SO_FAR)
def test_a_recursion_over_all_rows_so_far_is_traced(sql: str) -> None:
    data: dict[str, Rows] = {"t": [("a", 1, 2), ("b", 2, 3), ("c", 9, 1)], "u": [("a", 1)]}
    check_laws(Made(sql, cut=True), data)


ONE_EACH: dict[str, Rows] = {"t": [("a", 1, 2)], "u": [("a", 3)]}


@settings(
    max_examples=examples(4), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(made=statements(), data=tables())
@example(
    made=Made("SELECT main.t.k, n + (SELECT max(y) FROM u WHERE u.k = main.t.k) AS v FROM t"), data=ONE_EACH
)
def test_a_table_called_by_its_schema_is_that_table(made: Made, data: dict[str, Rows]) -> None:
    named = re.sub(r"\b(FROM|JOIN) ([tu])\b(?=(?! AS\b).*)", r"\1 main.\2", made.sql)
    names, result = result_of(data, named)
    for row in list(dict.fromkeys(result))[:2]:
        given_row = dict(zip(names, row, strict=True))
        assert [rows for _, rows in traces_of(data, named, given_row).values()] == [
            rows for _, rows in traces_of(data, made.sql, given_row).values()
        ]


KEPT_OUT = {
    "NOT IN": "SELECT k, n FROM t WHERE k NOT IN (SELECT k FROM u WHERE k IS NOT NULL)",
    "NOT EXISTS": "SELECT k, n FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND y > 0)",
    "ANTI JOIN": "SELECT k, n FROM t ANTI JOIN u USING (k)",
    "LEFT JOIN": "SELECT t.k, n FROM t LEFT JOIN u ON u.k = t.k WHERE u.y IS NULL",
    "EXCEPT": "SELECT k FROM t EXCEPT SELECT k FROM u",
    "ALL": "SELECT k, n FROM t WHERE n > ALL (SELECT y + 9 FROM u WHERE u.k = t.k)",
}


@pytest.mark.parametrize("how", KEPT_OUT)
def test_what_keeps_a_traced_row_out_is_traced(how: str) -> None:
    """The greatest n is b's, so b is traced; that it is not counted is due to a row of u."""
    sql = f"WITH m AS (SELECT max(n) AS m FROM t), o AS ({KEPT_OUT[how]}) SELECT count(*) AS c, max(m) AS m FROM o, m"
    data: dict[str, Rows] = {"t": [("a", 1, 0), ("b", 5, 0), ("c", 2, 0)], "u": [("b", 1), ("z", 2)]}
    names, (row,) = result_of(data, sql)
    traces = traces_of(data, sql, dict(zip(names, row, strict=True)))
    assert row == (2, 5)
    assert traces["u"][1] == [("b", 1)]
    assert result_of({table: rows for table, (_, rows) in traces.items()}, sql)[1] == [row]
    others = {**data, "t": data["t"][:1]}
    assert traces_of(others, sql, {"c": 1, "m": 1})["u"][1] == []


THROWING = (
    "SELECT k::INTEGER AS v, n FROM t WHERE k <> 'a' AND n > 0",
    "SELECT t.k::INTEGER AS v, u.y AS n FROM t JOIN u ON t.n = u.y WHERE t.k <> 'a'",
    "WITH q AS (SELECT k::INTEGER AS v, n FROM t WHERE k <> 'a' AND n > 0) SELECT v + 1 AS v, n FROM q",
    "SELECT k::INTEGER AS v, n FROM t WHERE k <> 'a' AND n > 0 UNION SELECT y, y FROM u",
)
"""Statements that would fail at rows that their WHERE leaves out."""


@pytest.mark.parametrize("sql", THROWING)
def test_a_trace_computes_nothing_of_rows_that_are_left_out(sql: str) -> None:
    data: dict[str, Rows] = {
        "t": [(str(n) if n % 3 else "a", n % 5, n) for n in range(40)],
        "u": [("b", 1), ("b", 2)],
    }
    names, result = result_of(data, sql)
    for row in result[:3]:
        assert traces_of(data, sql, dict(zip(names, row, strict=True)))["t"][1]


ASKING = (
    "SELECT k, x IN (SELECT n FROM t GROUP BY n HAVING count(*) > 1) AS v FROM t",
    "SELECT k, CASE WHEN x IN (SELECT y FROM u) THEN 1 ELSE n END AS v FROM t WHERE n IS NOT NULL",
    "SELECT k, (n IN (SELECT y FROM u UNION ALL SELECT max(x) FROM t)) IS NULL AS v FROM t",
    "SELECT k, x NOT IN (SELECT n FROM t WHERE k <> 'b') AS v FROM t",
    "WITH q AS (SELECT k, n, n IN (SELECT x FROM t GROUP BY x HAVING count(*) > 1) AS r FROM t) "
    "SELECT k, n AS v FROM q WHERE NOT r UNION ALL "
    "SELECT k, n FROM q WHERE r QUALIFY row_number() OVER (PARTITION BY n, k) = 1",
)
"""Statements that ask in their SELECT list whether a value is among others."""


@settings(
    max_examples=examples(8), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(sql=st.sampled_from(ASKING), data=tables())
@example(sql=ASKING[4], data={"t": [("a", 1, 1), ("b", 2, 1), ("c", None, None), ("c", None, 2)], "u": []})
def test_of_what_a_list_asks_for_only_its_rows_answers_are_needed(sql: str, data: dict[str, Rows]) -> None:
    check_laws(Made(sql, cut=True), data)


def test_no_group_is_made_of_a_value_that_a_list_does_not_ask_for() -> None:
    """Of a large table the groups of all values would be nearly all that a trace costs."""
    sql = "WITH q AS (SELECT *, n IN (SELECT x FROM t GROUP BY x) AS r FROM t) SELECT k, n FROM q WHERE r"
    rows: Rows = [("a", n, n) for n in range(500)]
    with connected({"t": [*rows, *rows[7:8]], "u": []}) as connection:
        row = connection.sql(f"SELECT * FROM ({sql}) WHERE n = 7 LIMIT 1").to_arrow_table()
        found = traced_tables(sql, SCHEMAS, ["t"], row, connection, {})
        ((most,),) = connection.execute(
            "SELECT max(estimated_size) FROM duckdb_tables() WHERE table_name <> 't'"
        ).fetchall()
    assert found["t"][0].to_pylist() == [{"k": "a", "n": 7, "x": 7}] * 2
    assert most < 10
