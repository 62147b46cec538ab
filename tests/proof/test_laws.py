"""On generated tables and statements, no change arrives without an edge, and every trace is enough and needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from recsys_lineage import column_lineage
from recsys_lineage.proof import Experiment, verify_columns, verify_rows
from recsys_lineage.rows.trace_query import trace
from tests.examples import examples
from tests.proof.generated import statements
from tests.proof.generated_tables import SCHEMAS, tables

SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
]
few = settings(max_examples=examples(6), derandomize=True, deadline=None, suppress_health_check=SLOW)
many = settings(max_examples=examples(80), deadline=None, suppress_health_check=SLOW)
Tables = Mapping[str, Sequence[Sequence[Any]]]


def _read(sql: str, data: Tables) -> Tables:
    return {table: rows for table, rows in data.items() if f"{table} AS " in sql}


def columns_are_sound(data: Tables, sql: str) -> None:
    edges = column_lineage(sql, SCHEMAS)
    proof = verify_columns(sql, SCHEMAS, _read(sql, data), edges)
    assert proof.sound, f"{sql}\n{proof.report()}"


def rows_are_enough_and_needed(data: Tables, sql: str) -> None:
    proof = verify_rows(
        sql, SCHEMAS, _read(sql, data), partial(trace, sql, SCHEMAS), sample=4, superfluous=False
    )
    assert proof.true, f"{sql}\n{proof.report()}"


def every_answer_is_decided_by_values(data: Tables, sql: str) -> None:
    experiment = Experiment(sql, SCHEMAS, data)
    assume(experiment.original.rows > 0)
    assert not experiment.unsteady, sql


LAWS = [columns_are_sound, rows_are_enough_and_needed, every_answer_is_decided_by_values]


@pytest.mark.parametrize("law", LAWS)
def test_a_few(law: Any) -> None:
    few(given(tables(), statements())(law))()


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_many(law: Any) -> None:
    many(given(tables(), statements())(law))()


def test_equal_rows_at_a_limit_are_made_of_the_same_rows_of_every_table() -> None:
    """Of a crossing, as many pairs are equal; each table is traced alone, and both have to mean the same pairs."""
    schemas = {"t": {"k": "INTEGER", "n": "INTEGER"}, "v": {"m": "INTEGER"}}
    data = {"t": [(1, 1), (1, 2), (2, 3)], "v": [(1,), (2,)]}
    sql = "SELECT r1.k AS a FROM t AS r1 CROSS JOIN v AS r2 ORDER BY ALL LIMIT 2"
    proof = verify_rows(sql, schemas, data, partial(trace, sql, schemas), sample=4, superfluous=False)
    assert proof.true, proof.report()


@pytest.mark.parametrize("order", ["COLUMNS(* EXCLUDE (k))", "COLUMNS('n')", "COLUMNS(*) DESC"])
def test_an_order_by_some_columns_decides_the_rows_at_a_limit_in_a_trace_too(order: str) -> None:
    sql, schemas = f"SELECT k, n FROM t ORDER BY {order} LIMIT 2", {"t": {"k": "INTEGER", "n": "INTEGER"}}
    data = {"t": [(3, 1), (2, 2), (1, 3), (1, 4)]}
    proof = verify_rows(sql, schemas, data, partial(trace, sql, schemas), sample=4, superfluous=False)
    assert proof.true, proof.report()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT r1.a FROM v AS r1 SEMI JOIN t AS r2 ON r1.a = k AND r2.a > (SELECT min(z) - 3 FROM v WHERE v.a = k)",
        "SELECT r1.a FROM v AS r1 SEMI JOIN t AS r2 ON r1.a = r2.k AND EXISTS (FROM u AS r3 WHERE r3.a = r2.k)",
        "SELECT r1.a FROM v AS r1 ANTI JOIN t AS r2 ON r1.a = r2.k AND NOT EXISTS (FROM u AS r3 WHERE r3.a > r2.k)",
        "SELECT count(*) AS n FROM u AS r1 "
        "WHERE EXISTS (FROM u AS r2 ANTI JOIN v AS r3 ON r2.k < z, t AS r4 WHERE r2.a = r1.a)",
    ],
)
def test_joins_for_what_is_there_or_not_are_traced_with_what_their_conditions_ask(sql: str) -> None:
    data = {
        "t": [(1, 1, "p", 1, [1]), (2, 2, "q", 2, [])],
        "u": [(1, 1, "p", None), (2, 2, "q", None), (2, 3, None, None)],
        "v": [(1, "p", 1, True), (2, "q", 2, None), (3, "q", 0, None)],
    }
    proof = verify_rows(
        sql, SCHEMAS, _read(sql, data), partial(trace, sql, SCHEMAS), sample=4, superfluous=False
    )
    assert proof.true, proof.report()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT r1.k FROM t AS r1 WHERE (b, a) NOT IN (SELECT b, max(a) FROM t WHERE b IS NOT NULL GROUP BY b)",
        "SELECT r1.k FROM t AS r1 WHERE r1.a NOT IN (SELECT max(a) FROM t GROUP BY b)",
        "SELECT r1.k, r1.a IN (SELECT sum(a) FROM t GROUP BY b) AS is_sum FROM t AS r1",
    ],
)
def test_what_no_group_answers_is_made_of_the_groups_that_would_answer_it_of_fewer_rows(sql: str) -> None:
    data = {"t": [(1, 1, "p", 1, []), (2, 2, "p", 1, []), (3, 1, "q", 1, []), (4, 5, "q", 1, [])]}
    proof = verify_rows(sql, SCHEMAS, data, partial(trace, sql, SCHEMAS), sample=4, superfluous=False)
    assert proof.true, proof.report()
