"""A row flows into exactly those rows whose trace holds it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.step_cache import StepCache
from tests.examples import JUDGES, examples
from tests.rows.generated import SCHEMAS, Made, statements, tables
from tests.rows.laws import Row, Rows, check_flow, connected


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
    "rows beside the first of all": "WITH c AS (SELECT n AS c FROM t WHERE n IS NOT NULL ORDER BY ALL LIMIT 1), "
    "d AS (SELECT c + max(x) AS d FROM t, c GROUP BY c) SELECT k, (y + d)::INTEGER AS v FROM u, d",
    "values asked for of the first of all": "WITH c AS (SELECT n, x FROM t ORDER BY ALL LIMIT 1), "
    "d AS (SELECT n FROM c) SELECT k, (y + (SELECT n FROM d))::INTEGER AS v FROM u",
    "groups of numbered rows": "SELECT k, string_agg(n, ',' ORDER BY p) AS v FROM (SELECT k, n, row_number() OVER "
    "(PARTITION BY k ORDER BY n, x) AS p FROM t) AS q WHERE p <= 2 GROUP BY k",
    "groups by the right side of a left join": "SELECT u.k, sum(x)::INTEGER AS v FROM t LEFT JOIN u ON u.k = t.k "
    "GROUP BY u.k",
    "groups by a column of both sides": "SELECT k, count(y)::INTEGER AS v FROM t FULL JOIN u USING (k) GROUP BY k",
    "groups of unpivoted rows": "WITH q AS (SELECT t.k, n, y FROM t LEFT JOIN u ON u.k = t.k) "
    "SELECT k, sum(value)::INTEGER AS v FROM q UNPIVOT (value FOR name IN (n, y)) GROUP BY k, name",
    "rows that come twice": "WITH d AS (SELECT hash(k, n) AS h FROM t WHERE x IS NOT NULL GROUP BY hash(k, n) "
    "HAVING count(*) > 1) SELECT k, n AS v FROM t WHERE hash(k, n) IN (SELECT h FROM d)",
    "rows that come once": "WITH d AS MATERIALIZED (SELECT hash(k, n) AS h FROM t GROUP BY hash(k, n) "
    "HAVING count(*) >= 2 AND min(x) > 0) SELECT k, n AS v FROM t "
    "WHERE hash(k, n) NOT IN (SELECT h FROM d) OR x IS NULL",
    "rows whose number comes twice, where they have one": "WITH c AS (SELECT (k || x)::INTEGER AS c FROM t "
    "WHERE k IS NULL), d AS (SELECT abs(c) AS h FROM c GROUP BY abs(c) HAVING count(*) > 1) "
    "SELECT k, n AS v FROM t WHERE n IN (SELECT h FROM d) OR n IS NULL",
    "a union of both": "SELECT k, count(*)::INTEGER AS v FROM (SELECT k, n FROM t UNION SELECT k, y FROM u) AS q "
    "GROUP BY k",
}
"""Statements of which only the groups, partitions and joins of the given rows' keys are computed."""


@pytest.mark.sampled(6)
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
    with connected(data) as connection:
        connection.execute(f"CREATE TABLE given AS FROM {table}")
        connection.execute(f"CREATE TABLE stored AS {sql}")
        for whole in (True, False):
            with connection.cursor() as cursor:
                given = (sql, SCHEMAS, table, "given", cursor, {})
                rows = flowed(*given, stored="stored", whole=whole, totals=True)
            found.append(set(zip(*(column.to_pylist() for column in rows.columns), strict=True)))
    assert found[0] == found[1] and (found[0] or table not in sql.replace("(", " ").split())


@pytest.mark.parametrize("hint", ["", "MATERIALIZED", "NOT MATERIALIZED"])
def test_rows_of_sums_of_doubles_are_followed_though_each_computation_gives_others(hint: str) -> None:
    """Here every computation gives other sums; sums over several threads differ in their last digit."""
    sql = f"""WITH sums AS {hint} (SELECT k, sum(x + random()) AS s FROM t GROUP BY k),
        placed AS (SELECT k, s, rank() OVER (PARTITION BY k ORDER BY s) AS place FROM sums),
        shares AS (SELECT k, s / sum(s) OVER () AS share, place FROM placed)
        SELECT k, count(*)::INTEGER AS v FROM shares JOIN placed USING (k) WHERE share > 0 GROUP BY k"""
    data: dict[str, Rows] = {"t": [("a", 1, 1), ("a", 2, 1), ("b", 5, 2), ("c", 2, 9)], "u": []}
    with connected(data) as connection:
        connection.execute("CREATE TABLE given AS FROM t WHERE n = 1")
        with connection.cursor() as cursor:
            found = flowed(sql, SCHEMAS, "t", "given", cursor, {}, cache=StepCache(connection))
    assert found.to_pylist() == [{"k": "a", "v": 1}]


def test_two_parts_of_one_result_are_told_apart() -> None:
    """Partitions of one table that two runs wrote: what is read of one stored part is not taken for the other."""
    sql = KEYED["whole partitions whose keys are told"]
    data: dict[str, Rows] = {"t": [("a", 1, 1), ("b", 5, 2), ("c", 2, 9)], "u": []}
    with connected(data) as connection:
        connection.execute("CREATE TABLE given AS FROM t")
        cache, found = StepCache(connection), []
        for part in ("a", "b"):
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE TEMP VIEW stored AS FROM ({sql}) WHERE k = '{part}'")
                rows = flowed(sql, SCHEMAS, "t", "given", cursor, {}, stored="stored", cache=cache, part=part)
                found += rows["k"].to_pylist()
    assert found == ["a", "b"]
