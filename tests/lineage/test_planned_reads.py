"""The Read of a table that was given as a LazyFrame names the columns that the plans read which ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.examples import examples

ORDERS = pl.DataFrame({"id": [1, 2, 3], "user": [1, 1, 2], "price": [1.5, 2.5, 4.0], "note": ["a", "b", "c"]})
ALL = tuple(ORDERS.columns)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("lake")), Engine(threads=1))
    lake.write_arrow("orders", ORDERS)
    return lake


def _columns(lake: Lake, function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The columns in the Read of the only input of a function's asset, whose bytes are those of the columns."""
    (read,) = materialize(frame_code(function, name="made", reads=["orders"]), lake).record.reads
    written = lake.version("orders").columns_written
    names = ALL if read.columns is None else read.columns
    assert read.bytes is not None
    if read.columns is not None:
        assert read.bytes == sum(written[name].bytes for name in names)
    return read.columns


def _by(call: Callable[[pl.LazyFrame], Any]) -> Callable[..., Any]:
    def made(orders: pl.LazyFrame) -> Any:
        return call(orders)

    return made


PLANS: dict[str, tuple[Callable[[pl.LazyFrame], Any], tuple[str, ...] | None]] = {
    "a returned frame": (lambda f: f.select("id"), ("id",)),
    "all of it": (lambda f: f, None),
    "collected": (lambda f: f.select("id").collect(), ("id",)),
    "collected twice": (lambda f: f.select("id").collect().hstack(f.select("note").collect()), ("id", "note")),
    "filtered": (lambda f: f.filter(pl.col("price") > 2).select("id"), ("id", "price")),
    "sorted": (lambda f: f.sort("note").select("id"), ("id", "note")),
    "grouped": (lambda f: f.group_by("user").agg(pl.sum("price")), ("user", "price")),
    "joined": (lambda f: f.join(f, left_on="user", right_on="id").select("id", "price"), ("id", "user", "price")),
    "counted": (lambda f: f.select(pl.len()), ()),
    "together": (lambda f: pl.collect_all([f.select("id"), f.select("user")])[0], ("id", "user")),
    "an opaque step": (lambda f: f.map_batches(lambda each: each.select("id"), schema={"id": pl.Int64}), None),
    "not optimized": (lambda f: f.select("id").collect(optimizations=pl.QueryOptFlags.none()), None),
    "not run": (lambda f: pl.DataFrame({"columns": [len(f.collect_schema())]}), None),
    "streamed": (lambda f: f.select("id").collect(engine="streaming"), ("id",)),
    "an output": (lambda f: Output(f.select("id")), ("id",)),
}  # fmt: skip


@pytest.mark.parametrize("plan", PLANS)
def test_the_columns_are_those_of_the_plans_that_ran(plan: str, lake: Lake) -> None:
    call, expected = PLANS[plan]
    found = _columns(lake, _by(call))
    assert found == expected or (expected is None and found == ALL)


def test_other_reads_of_the_table_count_too(lake: Lake) -> None:
    def made(inputs: Inputs) -> pl.DataFrame:
        inputs.lazy("orders").select("id").collect()
        return inputs.frame("orders", ["note"])

    assert _columns(lake, made) == ("id", "note")


@given(st.sets(st.sampled_from(ALL), min_size=1), st.sets(st.sampled_from(ALL)))
@settings(max_examples=examples(20), deadline=None)
def test_no_column_is_missing(lake: Lake, kept: set[str], compared: set[str]) -> None:
    def made(orders: pl.LazyFrame) -> pl.LazyFrame:
        for name in sorted(compared):
            orders = orders.filter(pl.col(name).is_not_null())
        return orders.select(sorted(kept))

    found = _columns(lake, made)
    assert set(found or ALL) == kept | compared
