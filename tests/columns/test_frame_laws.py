"""On plans and tables made by chance, no change of a column arrives without an edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from recsys_lineage import columns_of_frame
from tests.columns.made_frames import SCHEMAS, STEPS, frame_of, plans, tables, values_of
from tests.examples import examples

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
IN_ORDER = pl.QueryOptFlags(check_order_observe=False)
"""Polars forgets a join's order where an aggregate comes after it, even if the rows are cut between the two."""
Plan = Sequence[tuple[str, Sequence[int]]]


def rows(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """The rows of some columns, as a bag."""
    return sorted(map(repr, frame.select(columns).rows())) if columns else []


def answer(plan: Plan, data: dict[str, pl.DataFrame]) -> pl.DataFrame | None:
    """What a plan gives; None where its steps do not fit together, or stop at a value."""
    try:
        lazy = frame_of(plan, {name: frame.lazy() for name, frame in data.items()})
        return lazy.collect(optimizations=IN_ORDER)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ZeroDivisionError, ValueError):
        return None  # Polars 2.0 panics at top_k by several columns


def no_change_arrives_without_an_edge(plan: Plan, data: dict[str, pl.DataFrame], draw: Any) -> None:
    before = answer(plan, data)
    assume(before is not None)
    assert before is not None
    lazy = {name: frame.lazy() for name, frame in data.items()}
    edges = columns_of_frame(frame_of(plan, lazy), lazy)
    assert list(edges) == before.columns
    for table, columns in SCHEMAS.items():
        for column, type_ in columns.items():
            without = [
                name
                for name, of in edges.items()
                if not any((e.table, e.column) == (table, column) for e in of)
            ]
            if not without:
                continue
            values = pl.Series(column, draw(values_of(type_, data[table].height)), dtype=type_)
            after = answer(plan, {**data, table: data[table].with_columns(values)})
            if after is not None:
                assert rows(after, without) == rows(before, without), (table, column, plan)


def law(some: Any) -> Any:
    @settings(some, deadline=None, suppress_health_check=_SLOW)
    @given(plans, tables(), st.data())
    def holds(plan: Plan, data: dict[str, pl.DataFrame], draw: st.DataObject) -> None:
        no_change_arrives_without_an_edge(plan, data, draw.draw)

    return holds


def test_no_change_arrives_without_an_edge() -> None:
    law(settings(max_examples=examples(60)))()


@pytest.mark.slow
def test_no_change_arrives_without_an_edge_in_many() -> None:
    law(settings(max_examples=examples(1500)))()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_runs_and_is_sound(step: str) -> None:
    """A step that no plan can take would leave the law with nothing to look at."""
    ran: list[bool] = []

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=_SLOW)
    @given(st.lists(st.integers(0, 30), min_size=7, max_size=7), tables(), st.data())
    def holds(numbers: Sequence[int], data: dict[str, pl.DataFrame], draw: st.DataObject) -> None:
        ran.append(answer([(step, numbers)], data) is not None)
        no_change_arrives_without_an_edge([(step, numbers)], data, draw.draw)

    holds()
    assert any(ran)
