"""The lineage that is derived for the statements is put to the proof on their data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from recsys_lineage import column_lineage
from recsys_lineage.proof import verify_columns, verify_rows
from recsys_lineage.rows.trace_query import trace
from tests.statements.corpus import Statement, schemas, statements, tables

SHARE_CLAIMED = 0.5
"""Of all pairs of an input and an output column; more would be no lineage, but a list of columns."""
NOT_SHOWN = {
    "warehouse_bucket_answers": {"unit_price → bucket1", "discount → bucket2"},
    "billing_top_n": {"line_no → of"},
    "billing_summarized": {"status → min", "status → max", "status → null_percentage"},
}
"""What is claimed, and cannot be seen: a way of a CASE that these tables do not take, the order of equal rows, and rows
of a summary that are filtered away."""


def _chosen() -> list[Any]:
    """All statements, of which only one in 48 is tried without the slow tests. test_laws.py has made ones."""
    return [
        pytest.param(each, id=each.name, marks=[] if place % 48 == 0 else [pytest.mark.slow])
        for place, each in enumerate(statements())
    ]


def _read(statement: Statement) -> Mapping[str, Sequence[Sequence[Any]]]:
    text = re.sub("--.*", "", statement.sql)
    return {
        table: rows for table, rows in tables().items() if re.search(rf"\b{table}\b", text, re.IGNORECASE)
    }


@pytest.mark.sampled(7)
@pytest.mark.parametrize("statement", _chosen())
def test_columns(statement: Statement) -> None:
    edges = column_lineage(statement.sql, schemas())
    proof = verify_columns(
        statement.sql,
        schemas(),
        _read(statement),
        edges,
        parameters=statement.parameters,
        name=statement.name,
    )
    assert proof.sound, proof.report()
    assert not proof.unsteady and not proof.untested, proof.report()
    hidden = {f"{claim.column} → {claim.output}" for claim in proof.not_shown}
    assert hidden <= NOT_SHOWN.get(statement.name, set()), proof.report()


@pytest.mark.parametrize("statement", _chosen())
def test_rows(statement: Statement) -> None:
    proof = verify_rows(
        statement.sql,
        schemas(),
        _read(statement),
        partial(trace, statement.sql, schemas()),
        parameters=statement.parameters,
        sample=3,
        superfluous=False,
        name=statement.name,
    )
    assert proof.true and not proof.refused, proof.report()


def test_far_less_is_claimed_than_could_be() -> None:
    claimed = possible = 0
    for statement in statements():
        edges = column_lineage(statement.sql, schemas())
        claimed += sum(len({(edge.table, edge.column) for edge in of}) for of in edges.values())
        possible += len(edges) * sum(len(schemas()[table]) for table in _read(statement))
    assert claimed < SHARE_CLAIMED * possible
