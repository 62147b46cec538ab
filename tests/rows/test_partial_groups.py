"""A row comes out again of its traced rows also where groups of which only some are traced would take it away."""

from __future__ import annotations

import pytest

from recsys_lineage.rows.partial_groups import _Completion
from recsys_lineage.rows.trace_query import traced_tables
from tests.rows.generated import SCHEMAS, Made
from tests.rows.laws import Rows, check_laws, connected, traces_of

GAINING = {
    "a sum": "SELECT k FROM t GROUP BY k HAVING sum(n) > 2",
    "a greatest value": "SELECT k FROM t GROUP BY k HAVING max(n) < 3",
    "a sum below": "SELECT k FROM (SELECT k, sum(n) AS s FROM t GROUP BY k) AS q WHERE s > 2",
    "a mean of sums": "SELECT k FROM (SELECT k, x, sum(n) AS s FROM t GROUP BY k, x) AS q GROUP BY k HAVING avg(s) > 2",
    "the first": "SELECT k FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY n, x) AS r FROM t) AS q "
    "WHERE r = 1 AND n > 2",
    "QUALIFY": "SELECT k FROM t QUALIFY count(*) OVER (PARTITION BY k) = 1",
    "LIMIT": "SELECT k FROM t ORDER BY n, x, k LIMIT 1",
    "DISTINCT ON": "SELECT k FROM (SELECT DISTINCT ON (k) k, n FROM t ORDER BY k, n, x) AS q WHERE n > 2",
    "a join": "SELECT t.k FROM t JOIN u USING (k) GROUP BY t.k HAVING sum(n * y) > 2",
    "a mean": "SELECT k FROM t GROUP BY k HAVING sum(n) > (SELECT avg(n) FROM t)",
}
"""Queries that may give a key on some rows that they do not give on all."""
TAKEN_AWAY = {
    "ANTI JOIN": "SELECT o.k, o.n FROM t AS o ANTI JOIN ({0}) AS b USING (k)",
    "NOT EXISTS": "SELECT o.k, o.n FROM t AS o WHERE NOT EXISTS (SELECT 1 FROM ({0}) AS b WHERE b.k = o.k)",
    "NOT IN": "SELECT k, n FROM t WHERE k NOT IN ({0})",
    "LEFT JOIN": "SELECT o.k, o.n, b.k AS z FROM t AS o LEFT JOIN ({0}) AS b USING (k)",
    "EXISTS": "SELECT o.k, o.n, EXISTS (SELECT 1 FROM ({0}) AS b WHERE b.k = o.k) AS z FROM t AS o",
    "a count": "SELECT o.k, o.n, (SELECT count(*) FROM ({0}) AS b WHERE b.k = o.k) AS z FROM t AS o",
    "EXCEPT": "SELECT k FROM t EXCEPT ({0})",
    "ALL": "SELECT k, n FROM t WHERE k <> ALL ({0})",
}
"""Statements of which a row too many of a query takes rows away."""
DATA: dict[str, Rows] = {
    "t": [("a", 4, 0), ("a", -3, 1), ("b", 1, 0), ("b", 5, 2), ("c", 2, 3), ("c", 0, 1), ("b", 3, 1)],
    "u": [("a", 1), ("b", -1), ("c", 2)],
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("gaining", GAINING)
def test_no_part_of_a_group_takes_a_row_away(gaining: str) -> None:
    check_laws(Made(TAKEN_AWAY["ANTI JOIN"].format(GAINING[gaining]), cut=True), DATA)


@pytest.mark.parametrize("taken", TAKEN_AWAY)
def test_no_row_is_taken_away_wherever_one_must_not_be(taken: str) -> None:
    check_laws(Made(TAKEN_AWAY[taken].format(GAINING["a sum"]), cut=True), DATA)


def test_only_the_group_that_would_take_the_row_away_is_traced_whole() -> None:
    sql = TAKEN_AWAY["ANTI JOIN"].format(GAINING["a sum"])
    assert set(traces_of(DATA, sql, {"k": "a", "n": 4})["t"][1]) == {("a", 4, 0), ("a", -3, 1)}
    assert traces_of(DATA, sql, {"k": "a", "n": -3})["t"][1] == [("a", -3, 1)]
    assert traces_of(DATA, sql, {"k": "b", "n": 5})["t"][1] == []


def test_a_correlated_group_is_traced_whole() -> None:
    sql = (
        "SELECT o.k, o.n FROM t AS o WHERE NOT EXISTS "
        "(SELECT 1 FROM t AS b WHERE b.k = o.k GROUP BY b.k HAVING sum(b.n) > 2)"
    )
    check_laws(Made(sql, cut=True), DATA)
    assert set(traces_of(DATA, sql, {"k": "a", "n": 4})["t"][1]) == {("a", 4, 0), ("a", -3, 1)}


_BY_K = "OVER (PARTITION BY k ORDER BY"
NEAR = {
    "a sum of neighbours": f"sum(n) {_BY_K} x, n ROWS 1 PRECEDING)",
    "the row before": f"lag(n) {_BY_K} x, n)",
    "the row after": f"lead(n, 1, -9) {_BY_K} x, n)",
    "groups without ties": f"count(n) {_BY_K} n GROUPS 1 PRECEDING EXCLUDE TIES)",
    "a range of values": f"max(n) {_BY_K} n RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    "all but the own row": f"sum(n) {_BY_K} x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)",
}
"""Windows of which a row that was read for another row lacks rows of its own."""
FIRST_OF_ANOTHER_ORDER = (
    "SELECT s, count(*) AS c FROM (SELECT {0} AS s FROM t "
    "QUALIFY row_number() OVER (PARTITION BY k ORDER BY x DESC, n) <= 2) AS q GROUP BY s"
)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("near", NEAR.values(), ids=NEAR.keys())
def test_rows_that_a_window_reads_for_others_are_counted_nowhere_else(near: str) -> None:
    t: Rows = [("a", 1, 0), ("a", 2, 1), ("a", 2, 1), ("a", 4, 2), ("a", None, 3), ("b", 2, 0), ("b", 1, 1)]
    check_laws(Made(FIRST_OF_ANOTHER_ORDER.format(near), cut=True), {"t": t, "u": []})


CONSTANTS = (
    "SELECT count(*) AS c FROM (VALUES (1), (2)) AS v(x) WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.n = v.x)",
    "SELECT count(*) AS c FROM (VALUES (1), (2)) AS v(x) ANTI JOIN t ON t.n = v.x",
    "SELECT sum(i) AS c FROM range(4) AS v(i) WHERE i NOT IN (SELECT n FROM t WHERE n IS NOT NULL)",
    "SELECT sum(i) AS c FROM (SELECT unnest([0, 1, 2, 3]) AS i EXCEPT SELECT n FROM t) AS q",
    "SELECT i FROM range(3) AS v(i) WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.n = i) ORDER BY i DESC LIMIT 1",
    "SELECT k, count(*) AS c FROM (SELECT k, unnest([n, x]) AS e FROM t) AS q ANTI JOIN u ON u.y = q.e GROUP BY k",
    "SELECT count(*) AS c FROM t, u WHERE NOT EXISTS (SELECT 1 FROM u AS b WHERE b.y = t.n + u.y)",
)
"""Statements that count rows of which some are kept out, though no table's rows make them, or several do."""


@pytest.mark.parametrize("sql", CONSTANTS)
def test_what_keeps_out_constants_and_pairs_is_traced(sql: str) -> None:
    check_laws(Made(sql, cut=True), {"t": [("a", 1, 3), ("b", 2, 1), ("c", 0, 2)], "u": [("a", 1), ("b", 3)]})


_TOTAL = "(SELECT count(*) AS m FROM t) AS a"
TOTALS = {
    "NOT EXISTS": f"SELECT count(*) AS c FROM {_TOTAL} WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.y = a.m)",
    "ANTI JOIN": f"SELECT count(*) AS c FROM {_TOTAL} ANTI JOIN u ON u.y = a.m",
    "NOT IN": f"SELECT count(*) AS c FROM {_TOTAL} WHERE a.m NOT IN (SELECT y FROM u)",
    "EXCEPT": "SELECT count(*) AS c FROM (SELECT count(*) AS m FROM t EXCEPT SELECT y FROM u) AS a",
    "a condition": f"SELECT count(*) AS c, 1 - count(*) AS d FROM {_TOTAL} WHERE a.m < 2",
    "HAVING": "SELECT count(*) AS c FROM (SELECT max(n) AS m FROM t HAVING count(*) = 0) AS a",
    "a join": f"SELECT count(*) AS c, max(y) AS y FROM u JOIN {_TOTAL} ON a.m = coalesce(u.y, 0)",
    "a row with none beside": f"SELECT u.k, a.m FROM u LEFT JOIN {_TOTAL} ON a.m < 2",
}
"""Statements in which a total over no rows would come in."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("sql", TOTALS.values(), ids=TOTALS.keys())
def test_a_total_that_is_left_out_is_left_out_on_the_traced_rows_too(sql: str, rows: int) -> None:
    t: Rows = [("a", 1, 3), ("b", 2, 1), ("c", None, 2)]
    check_laws(Made(sql, cut=True), {"t": t[:rows], "u": [("a", 1), ("b", 3)]})


@pytest.mark.sampled(3)
@pytest.mark.parametrize("taken", TAKEN_AWAY)
def test_groups_are_traced_whole_only_where_the_traced_rows_do_not_give_a_row(
    taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql, groups, asked = TAKEN_AWAY[taken].format(GAINING["a sum"]), _Completion.groups, []

    def told(self: _Completion, *of: object) -> dict[str, list[str]]:
        asked.append(of)
        return groups(self, *of)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(_Completion, "groups", told)
    with connected(DATA) as connection:
        rows = connection.sql(f"FROM ({sql}) ORDER BY ALL").to_arrow_table()
    needed: list[bool] = []
    for place in range(rows.num_rows):
        row = rows.slice(place, 1)
        before = len(asked)
        with connected(DATA) as connection:
            found, _ = traced_tables(sql, SCHEMAS, ["t"], row, connection, {})["t"]
        needed.append(len(asked) > before)
        (whole,) = row.to_pylist()
        assert sorted(map(repr, found.to_pylist())) == sorted(
            repr(dict(zip(SCHEMAS["t"], each, strict=True))) for each in traces_of(DATA, sql, whole)["t"][1]
        )
    assert not all(needed)
