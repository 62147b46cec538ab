"""The laws of a trace: its rows are enough for the row, it needs them, and they are rows of the table as they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from recsys_lineage.rows.flow_query import flow_query, flowed
from recsys_lineage.rows.kept_steps import KeptSteps
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.definitions import Statement
from recsys_lineage.rows.trace_query import Trace, fits_of, trace, traced_tables
from recsys_lineage.rows.tracing import Tracing
from tests.examples import JUDGES, examples
from tests.rows.generated import SCHEMAS, Made, statements, tables

Row = tuple[object, ...]
Rows = list[Row]


def _connected(data: Mapping[str, Rows]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    for table, columns in SCHEMAS.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {k}' for n, k in columns.items())})")
        for row in data[table]:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in row)})", row)
    return connection


def _result(data: Mapping[str, Rows], sql: str) -> tuple[list[str], Rows]:
    with _connected(data) as connection:
        cursor = connection.execute(sql)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()


def _traces(data: Mapping[str, Rows], sql: str, row: Mapping[str, object]) -> dict[str, tuple[Trace, Rows]]:
    with _connected(data) as connection:
        found: dict[str, tuple[Trace, Rows]] = {}
        for table in SCHEMAS:
            made = trace(sql, SCHEMAS, table, row)
            cursor = connection.execute(made.sql)
            assert [column[0] for column in cursor.description or ()] == list(SCHEMAS[table])
            found[table] = (made, cursor.fetchall())
        return found


@settings(
    max_examples=examples(50), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(made=statements(), data=tables())
def test_traced_rows_are_rows_of_the_table_enough_and_needed(made: Made, data: dict[str, Rows]) -> None:
    check_laws(made, data)


def check_laws(made: Made, data: dict[str, Rows]) -> None:
    """Holds the laws against every row of a statement's result."""
    names, result = _result(data, made.sql)
    for row in list(dict.fromkeys(result))[:4]:
        traces = _traces(data, made.sql, dict(zip(names, row, strict=True)))
        for table, (_, rows) in traces.items():
            held = Counter(data[table])
            assert all(held[each] == count for each, count in Counter(rows).items()), (table, rows)
        insufficient = {name for each, _ in traces.values() for name in each.insufficient}
        kept = [n for n, name in enumerate(names) if name not in insufficient]
        _, again = _result({table: rows for table, (_, rows) in traces.items()}, made.sql)
        shown = [tuple(each[n] for n in kept) for each in again]
        if kept:
            assert tuple(row[n] for n in kept) in shown, f"not enough: {row} from {traces}"
        if made.one or made.cut or made.alone or insufficient:
            continue
        left = {
            table: [each for each in data[table] if each not in rows] for table, (_, rows) in traces.items()
        }
        _, without = _result(left, made.sql)
        assert row not in without, f"not needed: {row} from {traces}"


def _witnesses(data: Mapping[str, Rows], sql: str, row: Mapping[str, object]) -> dict[str, Rows]:
    """The traced rows but those that only keep others out."""
    found: dict[str, Rows] = {}
    for table in SCHEMAS:
        statement = Statement(sql, Catalog(SCHEMAS))
        tracing = Tracing(statement, (table,))
        tracing.trace(*fits_of(statement, row))
        with _connected(data) as connection:
            found[table] = connection.execute(tracing.steps.with_query(tracing.rows_of(table))).fetchall()
    return found


@settings(
    max_examples=examples(15), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(made=statements(), data=tables())
@example(
    made=Made("SELECT k, n AS v FROM t WHERE k NOT IN (SELECT k FROM u WHERE k IS NOT NULL)"),
    data={"t": [(None, 0, 0)], "u": [("a", 0)]},
)
def test_a_row_flows_into_the_rows_whose_trace_holds_it(made: Made, data: dict[str, Rows]) -> None:
    check_flow(made, data)


def check_flow(made: Made, data: dict[str, Rows], *, stepwise: bool = False) -> None:
    """Holds what rows of each table flow into against every row's trace; step by step too, where that is wanted."""
    names, result = _result(data, made.sql)
    traces = {
        row: _witnesses(data, made.sql, dict(zip(names, row, strict=True))) for row in dict.fromkeys(result)
    }
    for table in SCHEMAS:
        for given_row in list(dict.fromkeys(data[table]))[:2]:
            with _connected(data) as connection:
                connection.execute(f"CREATE TABLE given AS FROM {table} LIMIT 0")
                connection.execute(
                    f"INSERT INTO given VALUES ({', '.join('?' for _ in given_row)})", given_row
                )
                found = connection.execute(flow_query(made.sql, SCHEMAS, table, "given")).fetchall()
                again = _by_steps(made.sql, table, connection) if stepwise else []
            assert Counter(found) == Counter(row for row, each in traces.items() if given_row in each[table])
            for rows in again:
                assert Counter(rows) == Counter(found)


def _by_steps(sql: str, table: str, connection: duckdb.DuckDBPyConnection) -> list[Rows]:
    """What a table's given rows flow into, step by step: alone, beside the stored result, kept from before, as many."""
    connection.execute(f"CREATE TABLE stored AS {sql}")
    kept = KeptSteps(connection)
    found = [flowed(sql, SCHEMAS, table, "given", connection, {})]
    for _ in range(2):
        with connection.cursor() as cursor:
            found.append(flowed(sql, SCHEMAS, table, "given", cursor, {}, stored="stored", kept=kept))
    with pytest.MonkeyPatch.context() as patched, connection.cursor() as cursor:
        patched.setattr("recsys_lineage.rows.stepwise._MOST_MARKED", 0)
        found.append(flowed(sql, SCHEMAS, table, "given", cursor, {}))
    return [[*zip(*(column.to_pylist() for column in each.columns), strict=True)] for each in found]


KEYED = {
    "groups by an expression": "SELECT coalesce(k, 'b') AS k, sum(x)::INTEGER AS v FROM t GROUP BY coalesce(k, 'b')",
    "groups by two, of a join": "SELECT any_value(t.k) AS k, sum(y)::INTEGER AS v FROM t LEFT JOIN u ON u.k = t.k "
    "WHERE x IS NOT NULL GROUP BY n % 2, u.k || '' HAVING count(*) > 1",
    "partitions by an expression": "SELECT k, sum(x) OVER (PARTITION BY coalesce(n, 0) % 2)::INTEGER AS v FROM t",
    "partitions of several windows": "SELECT k, (count(*) OVER (PARTITION BY k, n % 2) - sum(x) OVER "
    "(PARTITION BY n % 2))::INTEGER AS v FROM t",
    "windows over groups": "SELECT coalesce(k, 'b') AS k, (sum(sum(x)) OVER (PARTITION BY coalesce(k, 'b')))::INTEGER "
    "AS v FROM t GROUP BY coalesce(k, 'b'), n",
    "groups above a left join": "SELECT k, count(n)::INTEGER AS v FROM (SELECT u.k, n FROM t LEFT JOIN u ON u.k = t.k) "
    "AS q GROUP BY k",
    "groups above a window": "SELECT k, sum(s)::INTEGER AS v FROM (SELECT k, sum(x) OVER (PARTITION BY n) AS s FROM t) "
    "AS q GROUP BY k",
    "sums joined to their keys": "SELECT a.k, (coalesce(b.s, 0) + coalesce(c.s, 0))::INTEGER AS v FROM t AS a "
    "LEFT JOIN (SELECT k, sum(n) AS s FROM t GROUP BY k) AS b ON b.k = a.k "
    "LEFT JOIN (SELECT k, count(*) AS s FROM u GROUP BY k) AS c ON c.k = a.k",
    "groups of a right join": "SELECT u.k, sum(n)::INTEGER AS v FROM t RIGHT JOIN u ON u.k = t.k GROUP BY u.k",
    "a full join": "SELECT t.k, u.y AS v FROM t FULL JOIN u ON u.k = t.k",
    "rows of a left join": "SELECT t.k, u.y AS v FROM t LEFT JOIN u ON u.k = t.k WHERE coalesce(u.y, 0) < 3",
    "pairs of a table with itself": "SELECT a.k, b.n AS v FROM t AS a JOIN t AS b ON b.x = a.x",
    "groups of such pairs": "SELECT a.k, count(*)::INTEGER AS v FROM t AS a JOIN t AS b ON b.x = a.x AND b.n > a.n "
    "GROUP BY a.k, b.k",
    "whole partitions whose keys are told": "SELECT k, (sum(x) OVER (PARTITION BY k))::INTEGER AS v FROM t "
    "WHERE n IS NOT NULL",
    "two such partitions": "SELECT k, n AS v FROM t QUALIFY count(*) OVER (PARTITION BY k) > 1 "
    "OR max(x) OVER (PARTITION BY n) > 1",
    "partitions up to the row": "SELECT k, (sum(x) OVER (PARTITION BY k ORDER BY n))::INTEGER AS v FROM t",
    "partitions but the row": "SELECT k, (sum(x) OVER (PARTITION BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
    "FOLLOWING EXCLUDE CURRENT ROW))::INTEGER AS v FROM t",
    "partitions of some rows": "SELECT k, (sum(x) FILTER (n > 0) OVER (PARTITION BY k))::INTEGER AS v FROM t",
    "the nearest row": "SELECT t.k, u.y AS v FROM t ASOF JOIN u ON u.k = t.k AND t.n >= u.y",
    "the first of a union": "SELECT k, n AS v FROM t UNION ALL SELECT k, y FROM u ORDER BY ALL LIMIT 3",
    "sums of what all rows decide": "WITH c AS (SELECT count(*) AS c FROM t WHERE x > 0), q AS (SELECT t.k, n + c AS v "
    "FROM t, c) SELECT k, sum(v)::INTEGER AS v FROM q GROUP BY k",
    "rows beside two decisions": "WITH c AS (SELECT max(n) AS c FROM t), "
    "d AS (SELECT c + sum(y) AS d FROM u, c GROUP BY c), e AS (SELECT count(*) AS e FROM u WHERE y > 1) "
    "SELECT k, (d + e)::INTEGER AS v FROM t LEFT JOIN d ON true, e",
    "values asked for of one row": "WITH c AS (SELECT max(y) AS c FROM u) "
    "SELECT k, n AS v FROM t WHERE n <= (SELECT c FROM c) UNION ALL "
    "SELECT k, y FROM u WHERE NOT ((SELECT c FROM c) IN (SELECT n FROM t WHERE t.k = u.k))",
    "values asked for of what may be no row": "WITH c AS (SELECT count(*) AS c FROM t), "
    "d AS (SELECT c FROM c WHERE c < 3) SELECT k, (y + (SELECT c FROM d))::INTEGER AS v FROM u",
    "a number of what may be none": "WITH c AS (SELECT count(*) AS c FROM t) SELECT 'k' AS k, count(*)::INTEGER AS v "
    "FROM u, c WHERE y > c",
    "groups of numbered rows": "SELECT k, string_agg(n, ',' ORDER BY p) AS v FROM (SELECT k, n, row_number() OVER "
    "(PARTITION BY k ORDER BY n, x) AS p FROM t) AS q WHERE p <= 2 GROUP BY k",
    "groups by the right side of a left join": "SELECT u.k, sum(x)::INTEGER AS v FROM t LEFT JOIN u ON u.k = t.k "
    "GROUP BY u.k",
    "groups by a column of both sides": "SELECT k, count(y)::INTEGER AS v FROM t FULL JOIN u USING (k) GROUP BY k",
    "groups of unpivoted rows": "WITH q AS (SELECT t.k, n, y FROM t LEFT JOIN u ON u.k = t.k) "
    "SELECT k, sum(value)::INTEGER AS v FROM q UNPIVOT (value FOR name IN (n, y)) GROUP BY k, name",
    "a union of both": "SELECT k, count(*)::INTEGER AS v FROM (SELECT k, n FROM t UNION SELECT k, y FROM u) AS q "
    "GROUP BY k",
}
"""Statements of which only the groups, partitions and joins of the given rows' keys are computed."""


@pytest.mark.parametrize("how", KEYED)
@settings(
    max_examples=1, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit] if JUDGES else [*Phase],
)  # fmt: skip
@given(data=tables())
@example(
    data={
        "t": [("z", 1, 2), ("a", 1, 1), ("a", 0, 1), (None, 2, 3), ("b", 0, 0)],
        "u": [("a", 0), ("a", 1), (None, 0), ("b", 2)],
    }
)
def test_rows_flow_through_keys_as_their_traces_say(how: str, data: dict[str, Rows]) -> None:
    check_flow(Made(KEYED[how]), data, stepwise=True)


@pytest.mark.parametrize("table", SCHEMAS)
@pytest.mark.parametrize(
    "how",
    [
        "sums of what all rows decide", "a number of what may be none", "values asked for of one row", "a full join",
        "groups of unpivoted rows", "groups of numbered rows", "a union of both",
    ],
)  # fmt: skip
def test_all_rows_of_a_table_flow_as_such_that_are_not_known_to_be_all(how: str, table: str) -> None:
    sql = KEYED[how]
    data: dict[str, Rows] = {
        "t": [("z", 1, 2), ("a", 1, 1), ("a", 0, 1), (None, 2, 3), ("b", 0, 0)],
        "u": [("a", 0), ("a", 1), (None, 0), ("b", 2)],
    }
    found: list[set[Row]] = []
    with _connected(data) as connection:
        connection.execute(f"CREATE TABLE given AS FROM {table}")
        connection.execute(f"CREATE TABLE stored AS {sql}")
        for whole in (True, False):
            with connection.cursor() as cursor:
                rows = flowed(sql, SCHEMAS, table, "given", cursor, {}, stored="stored", whole=whole)
            found.append(set(zip(*(column.to_pylist() for column in rows.columns), strict=True)))
    assert found[0] == found[1] and (found[0] or table not in sql.replace("(", " ").split())


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
    "(VALUES (1))",
)
"""Expressions that DuckDB calls by the text of the query in them."""


@pytest.mark.parametrize("value", UNNAMED)
def test_a_subquery_without_an_alias_is_called_as_duckdb_calls_it(value: str) -> None:
    data: dict[str, Rows] = {"t": [("a", 1, 0), ("b", 5, 0)], "u": [("a", 1), ("a", 2)]}
    check_laws(Made(f"SELECT *, n + 1 AS m FROM (SELECT {value}, n FROM t) AS q", cut=True), data)


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
    names, result = _result(data, named)
    for row in list(dict.fromkeys(result))[:2]:
        given_row = dict(zip(names, row, strict=True))
        assert [rows for _, rows in _traces(data, named, given_row).values()] == [
            rows for _, rows in _traces(data, made.sql, given_row).values()
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
    names, (row,) = _result(data, sql)
    traces = _traces(data, sql, dict(zip(names, row, strict=True)))
    assert row == (2, 5)
    assert traces["u"][1] == [("b", 1)]
    assert _result({table: rows for table, (_, rows) in traces.items()}, sql)[1] == [row]
    others = {**data, "t": data["t"][:1]}
    assert _traces(others, sql, {"c": 1, "m": 1})["u"][1] == []


@pytest.mark.parametrize("kept", ["", "MATERIALIZED", "NOT MATERIALIZED"])
def test_rows_of_sums_of_doubles_are_followed_though_each_computation_gives_others(kept: str) -> None:
    """Here every computation gives other sums; sums over several threads differ in their last digit."""
    sql = f"""WITH sums AS {kept} (SELECT k, sum(x + random()) AS s FROM t GROUP BY k),
        placed AS (SELECT k, s, rank() OVER (PARTITION BY k ORDER BY s) AS place FROM sums),
        shares AS (SELECT k, s / sum(s) OVER () AS share, place FROM placed)
        SELECT k, count(*)::INTEGER AS v FROM shares JOIN placed USING (k) WHERE share > 0 GROUP BY k"""
    data: dict[str, Rows] = {"t": [("a", 1, 1), ("a", 2, 1), ("b", 5, 2), ("c", 2, 9)], "u": []}
    with _connected(data) as connection:
        connection.execute("CREATE TABLE given AS FROM t WHERE n = 1")
        with connection.cursor() as cursor:
            found = flowed(sql, SCHEMAS, "t", "given", cursor, {}, kept=KeptSteps(connection))
    assert found.to_pylist() == [{"k": "a", "v": 1}]


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
    names, result = _result(data, sql)
    for row in result[:3]:
        assert _traces(data, sql, dict(zip(names, row, strict=True)))["t"][1]


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
    with _connected({"t": [*rows, *rows[7:8]], "u": []}) as connection:
        row = connection.sql(f"SELECT * FROM ({sql}) WHERE n = 7 LIMIT 1").to_arrow_table()
        found = traced_tables(sql, SCHEMAS, ["t"], row, connection, {})
        ((most,),) = connection.execute(
            "SELECT max(estimated_size) FROM duckdb_tables() WHERE table_name <> 't'"
        ).fetchall()
    assert found["t"][0].to_pylist() == [{"k": "a", "n": 7, "x": 7}] * 2
    assert most < 10
