"""Steps are found where a query reads them, and nowhere else."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage.errors import LineageError
from recsys_lineage.rows.statement.condition import Condition
from recsys_lineage.rows.statement.steps import Fixed, Part, Step
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.trace_query import traced_tables
from tests.rows.generated import SCHEMAS
from tests.rows.laws import Rows, connected

_ALIASES = [
    "SELECT 1 AS v FROM t AS dear",
    'SELECT 1 AS v FROM t AS "dear"',
    "SELECT 1 as\ndear",
    'SELECT 1 AS "Dear"',
]
_READS = [
    "FROM dear",
    'SELECT 1 AS dear FROM "dear"',
    "SELECT * FROM t AS a, dear AS b",
    "SELECT dear.v FROM t AS a JOIN dear",
]


def _found(query: str) -> int:
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE t AS SELECT 1 AS v")
        step = Step("dear", (), (Part("SELECT error('it was looked for') AS v"),), stored=True)
        asks = Step("asks", (), (Part(query),), stored=True)
        return Stepwise(connection, [step, asks], {}, StepCache(connection)).rows("FROM asks").num_rows


@pytest.mark.parametrize("query", _ALIASES)
def test_a_step_of_which_a_query_has_only_the_name_as_an_alias_is_not_looked_for(query: str) -> None:
    assert _found(query) == 1


@pytest.mark.parametrize("query", _READS)
def test_a_step_that_a_query_reads_is_looked_for(query: str) -> None:
    with pytest.raises(LineageError, match="it was looked for"):
        _ = _found(query)


def test_too_little_memory_is_said_as_that_and_not_as_a_fault_of_the_statement() -> None:
    with duckdb.connect(config={"memory_limit": "4MB", "threads": 1, "temp_directory": ""}) as connection:
        step = Step("many", (), (Part("SELECT list(range) AS v FROM range(2000000)"),), stored=True)
        with pytest.raises(LineageError, match="too many for the memory") as caught:
            _ = Stepwise(connection, [step], {}, StepCache(connection)).rows("FROM many")
    assert "more memory" in str(caught.value) and "Out of Memory" in str(caught.value)


@pytest.mark.parametrize(("most", "need"), [(1, 1), (1, 2), (0, 1)])
def test_a_part_of_few_rows_is_read_once_and_one_of_many_each_time(
    most: int, need: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys_lineage.rows.stepwise._FEW", most)
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE t AS SELECT 1 AS v")
        part = Step("part", ("v",), (Part("SELECT * FROM t WHERE v = 1"),), stored=False, few=need)
        steps = Stepwise(connection, [part], {}, StepCache(connection))
        for _ in range(need):
            assert steps.rows("FROM part").num_rows == 1
        _ = connection.execute("DELETE FROM t")
        assert steps.rows("FROM part").num_rows == most


_PARTS = {
    "all of its conditions": (("0 v = 1", "1 w = 1"), 1),
    "one more": (("0 v = 1", "1 w = 1", "2 z = 1"), 1),
    "another": (("1 w = 1", "2 z = 1"), 0),
}


@pytest.mark.parametrize(("conditions", "rows"), _PARTS.values(), ids=_PARTS)
def test_a_part_is_read_from_one_with_fewer_conditions(conditions: tuple[str, ...], rows: int) -> None:
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE t AS SELECT 1 AS v, 1 AS w, 1 AS z")
        where = " AND ".join(each[2:] for each in conditions)
        larger = Fixed("t", ("0 v = 1", "1 w = 1"), "")
        smaller = Fixed("t", conditions, f"SELECT * FROM \0 WHERE {where}")
        steps = [
            Step(
                "larger", ("v", "w", "z"), (Part("FROM t WHERE v = 1 AND w = 1"),), False, few=1, fixed=larger
            ),
            Step("smaller", ("v", "w", "z"), (Part(f"FROM t WHERE {where}"),), False, few=1, fixed=smaller),
        ]
        found = Stepwise(connection, steps, {}, StepCache(connection))
        assert found.rows("FROM larger").num_rows == 1
        _ = connection.execute("DELETE FROM t")
        assert found.rows("FROM smaller").num_rows == rows


_KINDS = {
    "a number": "1::TINYINT", "a large one": "'170141183460469231731687303715884105727'::HUGEINT", "part": "0.1::FLOAT",
    "not a number": "'NaN'::DOUBLE", "less than nothing": "-0.0::DOUBLE", "to the point": "1.10::DECIMAL(5, 2)",
    "text": "'it''s' || chr(0) || 'é'", "day": "'infinity'::DATE", "before all": "'0044-03-15 (BC)'::DATE",
    "moment": "'2020-01-01 00:00:00.123456+02'::TIMESTAMPTZ",
    "part of a moment": "'2020-01-01 00:00:00.000000001'::TIMESTAMP_NS",
    "bytes": "'\\x00a'::BLOB", "list": "[1, NULL]", "struct": "{'a': 1, 'b': 'x'}", "span": "INTERVAL 1 MONTH",
    "nothing": "NULL::VARCHAR", "truth": "false",
}  # fmt: skip


_ASKS = [
    "SELECT v IN (SELECT v FROM __asked0) OR (v IS NULL AND EXISTS (SELECT 1 FROM __asked0 WHERE v IS NULL)) FROM t",
    "SELECT v = ANY(SELECT v FROM __asked0) FROM t",
]


@pytest.mark.parametrize("value", _KINDS.values(), ids=_KINDS)
def test_values_of_a_small_table_say_the_same_in_the_text(value: str) -> None:
    for query in (f"SELECT {value} AS v", f"SELECT {value} AS v UNION ALL SELECT NULL"):
        with duckdb.connect() as connection:
            _ = connection.execute(f"CREATE TABLE t AS SELECT unnest([{value}, NULL, {value}]) AS v")
            asked = Step("__asked0", ("v",), (Part(query),), stored=True)
            steps = Stepwise(connection, [asked], {}, StepCache(connection))
            for text in _ASKS:
                given = [(said,) for (said,) in map(dict.values, steps.rows(text).to_pylist())]
                assert given == connection.execute(text).fetchall()


_LISTED = {
    "few values of many rows": ("range(300)", "range % 3", False, True),
    "many values, as they are": ("range(300)", "range", False, False),
    "many values, of an expression": ("range(300)", "range", True, True),
    "too many, of an expression": ("range(2001)", "range", True, False),
}


@pytest.mark.parametrize(("rows", "value", "computed", "listed"), _LISTED.values(), ids=_LISTED)
@pytest.mark.parametrize("null", [False, True])
def test_values_are_listed_where_they_are_few_or_spare_what_is_computed_of_other_rows(
    rows: str, value: str, computed: bool, listed: bool, null: bool
) -> None:
    compared = "TRY(v + 0)" if computed else "v"
    more = " UNION ALL SELECT NULL" if null else ""
    for text in (
        f"SELECT * FROM t WHERE {compared} IN (SELECT v FROM __asked0)",
        f"SELECT * FROM t WHERE {Condition.one_of('__asked0', 'v').of(compared)}",
        f"SELECT * FROM t WHERE {Condition.of_answers('__asked0', 'v').of(compared)}",
        f"SELECT * FROM t WHERE {compared} = ANY(SELECT v FROM __asked0) UNION ALL SELECT * FROM t WHERE "
        f"v IS NULL AND {Condition.one_of('__asked0', 'v').of('v')}",
    ):
        with duckdb.connect() as connection:
            _ = connection.execute(
                "CREATE TABLE t AS SELECT range - 5 AS v FROM range(3000) UNION ALL SELECT NULL"
            )
            asked = Step("__asked0", ("v",), (Part(f"SELECT {value} AS v FROM {rows}{more}"),), stored=True)
            steps = Stepwise(connection, [asked], {}, StepCache(connection))
            given = sorted(map(str, steps.rows(text)["v"].to_pylist()))
            assert given == sorted(str(v) for (v,) in connection.execute(text).fetchall())
            first = steps._ready(text).split(" UNION ALL ")[0]
            assert ("IN (SELECT v" not in first and "ANY(SELECT" not in first) == listed
            assert "EXISTS" not in steps._ready(text)


@pytest.mark.parametrize("null", [False, True])
def test_rows_without_a_value_are_looked_for_only_where_one_is_asked_for(null: bool) -> None:
    text = f"FROM t WHERE v IS NULL AND {Condition.one_of('__asked0', 'v').of('v')}"
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE t AS SELECT 1 AS v UNION ALL SELECT NULL")
        asked = Step(
            "__asked0", ("v",), (Part(f"SELECT unnest([1, {'NULL' if null else 2}]) AS v"),), stored=True
        )
        steps = Stepwise(connection, [asked], {}, StepCache(connection))
        assert steps.rows(text).num_rows == null
        assert steps._ready(text).endswith("WHERE false") != null


def test_a_value_is_not_compared_with_one_that_cannot_be_computed() -> None:
    """A list is looked at before a query's own filter, a join with a table behind it."""
    guard = "length(regexp_replace(k, '[a-z]', '', 'g')) > 0"
    sql = f"SELECT number, count(*) AS times FROM (SELECT k::INTEGER % 2 AS number FROM t WHERE {guard}) GROUP BY ALL"
    data: dict[str, Rows] = {"t": [("none", 0, 1), ("1", 1, 1), ("2", 2, 2), ("3", 3, 3)], "u": []}
    found: list[list[str]] = []
    for first, most in [(0, 1), (1, 1), (0, 2)]:
        with connected(data) as connection:
            rows = connection.sql(f"FROM ({sql}) ORDER BY number").to_arrow_table().slice(first, most)
            of, _ = traced_tables(sql, SCHEMAS, ["t"], rows, connection, {})["t"]
            found.append(sorted(of["k"].to_pylist()))
    assert found == [["2"], ["1", "3"], ["1", "2", "3"]]
