"""A table that comes in blocks of rows is the table that would have come in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt, materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError, UndeclaredRead
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from tests.examples import examples

SCHEMA = {"id": pl.Int64, "name": pl.String, "parts": pl.List(pl.Float32)}
rows = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(max_size=3),
    st.none() | st.lists(st.floats(width=32), max_size=2),
)


@settings(max_examples=examples(15), deadline=None)
@given(content=st.lists(rows, max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_blocks_make_the_same_version_as_the_whole(
    content: list, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = pl.DataFrame(content, schema=SCHEMA, orient="row")
    edges = [0, *sorted(cuts), 12]

    def table(inputs: Inputs, in_blocks: bool) -> Output:
        blocks = (whole[start:stop] for start, stop in pairwise(edges))
        return Output(blocks if in_blocks else whole, statistics={"rows": len(whole)})

    found = []
    for in_blocks in (True, False):
        lake = Lake(str(tmp_path_factory.mktemp("lake")))
        outcome = materialize(frame_code(table, parameters={"in_blocks": in_blocks}), lake)
        assert outcome.version is not None
        found.append(
            (
                outcome.version.fingerprint,
                outcome.version.schema,
                outcome.record.statistics,
                outcome.record.statement,
            )
        )
    assert found[0] == found[1]


def test_what_makes_a_block_reads_like_any_code_of_the_asset(tmp_path: Path) -> None:
    """Its reads stand in the record, each block is stored before the next is made, and foreign tables are refused."""
    lake = Lake(str(tmp_path))
    materialize(frame_code(orders, name="orders"), lake)

    def doubled(inputs: Inputs) -> Output:
        def blocks() -> Iterator[pl.DataFrame]:
            for shop in (0, 1):
                yield inputs.frame("orders").filter(pl.col("id") % 2 == shop)

        return Output(blocks())

    outcome = materialize(frame_code(doubled, reads=("orders",)), lake)
    assert [read.name for read in outcome.record.reads] == ["orders"]
    assert outcome.record.rows == 5

    with pytest.raises(UndeclaredRead):
        materialize(frame_code(doubled, name="foreign"), lake)
    assert list(Records(lake).runs("foreign"))[-1].status == "failed"
    assert not lake.has("foreign")


@pytest.mark.parametrize("blocks", [[], [pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})]])
def test_blocks_that_are_no_table_are_refused(blocks: list[pl.DataFrame], tmp_path: Path) -> None:
    def table(inputs: Inputs) -> Output:
        return Output(iter(blocks))

    outcome = attempt(frame_code(table), Lake(str(tmp_path)), Request())
    assert isinstance(outcome.error, LineageError)
    assert outcome.version is None


def orders() -> pl.DataFrame:
    return pl.DataFrame({"id": range(5)})
