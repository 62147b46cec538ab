"""Every construct of a query has exactly the edges that its case states."""

from __future__ import annotations

import pytest

from recsys_lineage import column_lineage
from tests.columns.written_cases import SCHEMAS, Case, cases, written


@pytest.mark.parametrize("case", cases(), ids=str)
def test_edges_are_exact(case: Case) -> None:
    found = column_lineage(case.sql, SCHEMAS)
    assert written(found) == written(case.edges)
    assert list(found) == list(case.edges)
    assert all(edges == sorted(set(edges)) for edges in found.values())
