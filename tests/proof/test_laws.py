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
