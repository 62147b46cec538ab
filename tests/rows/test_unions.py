"""Rows of values of a UNION are traced, also where NULL is within the value, which is then neither NULL nor equal."""

from __future__ import annotations

from functools import partial

import pytest

from recsys_lineage.proof import verify_rows
from recsys_lineage.rows.trace_query import trace

SCHEMAS = {"readings": {"id": "INTEGER", "number": "INTEGER", "text": "VARCHAR", "is_text": "BOOLEAN"}}
READINGS = [
    (1, 5, "a", True), (2, 5, "b", False), (3, None, "c", False), (4, None, None, False), (5, 3, None, True),
    (6, 3, None, None), (7, 5, "a", True),
]  # fmt: skip
KIND = "UNION(n INTEGER, t VARCHAR)"
VALUE = f"CASE WHEN is_text THEN text::{KIND} WHEN is_text IS NOT NULL THEN number::{KIND} END"
STATEMENTS = {
    "a member": f"SELECT v.t FROM (SELECT {VALUE} AS v FROM readings)",
    "the value": f"SELECT {VALUE} AS v, id FROM readings",
    "a group": f"SELECT v, count(*) AS n, max(id) AS last FROM (SELECT {VALUE} AS v, id FROM readings) GROUP BY v",
    "distinct, in a set operation":
        f"WITH q AS (SELECT DISTINCT {VALUE} AS v FROM readings) SELECT v FROM q UNION ALL SELECT v FROM q",
    "a join":
        f"WITH q AS (SELECT id, {VALUE} AS v FROM readings) "
        "SELECT a.v, b.id FROM q AS a JOIN q AS b ON a.v IS NOT DISTINCT FROM b.v AND a.id < b.id",
}  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_traced_rows_are_enough_and_needed(statement: str) -> None:
    sql = STATEMENTS[statement]
    proof = verify_rows(
        sql, SCHEMAS, {"readings": READINGS}, partial(trace, sql, SCHEMAS), superfluous=False, name=statement
    )
    assert proof.true and not proof.refused, proof.report()
