"""Rows are followed into what runs made of them: each partition by its last run, at the version that this one read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.lake import Lake
from recsys_lineage.rows.back import trace_back
from recsys_lineage.rows.forward import ForwardTrace, trace_forward
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples

DAYS = ["mon", "tue"]
DAILY = "SELECT day, sum(cents)::BIGINT AS cents FROM orders WHERE list_contains($days, day) GROUP BY day"


def orders(cents: Sequence[int]) -> AssetCode:
    """A row of each shop and day, with some cents."""
    values = [f"({n}, 'shop {n % 3}', '{DAYS[n % 2]}', {each})" for n, each in enumerate(cents)]
    text = f"SELECT * FROM (VALUES {', '.join(values)}) AS t(id, shop, day, cents)"
    return sql_code(SqlText(text), name="orders")


def shops() -> AssetCode:
    """Made as a whole."""
    text = "SELECT shop, sum(cents)::BIGINT AS cents FROM orders GROUP BY shop"
    return sql_code(SqlText(text), name="shops")


def daily(inputs: Inputs, request: Request) -> Output:
    """Made by days."""
    days = request.partitions or DAYS
    inputs.view("orders")
    return Output(Query(DAILY, {"days": days}), partition_by="day", partitions=days)


def make(lake: Lake, step: Sequence[int] | str) -> None:
    if step == "shops":
        materialize(shops(), lake)
    elif isinstance(step, str):
        days = Request(partitions=[step]) if lake.has("daily") else Request()
        materialize(frame_code(daily, reads=["orders"]), lake, days)
    else:
        materialize(orders(step), lake)


def flowed(trace: ForwardTrace) -> set[tuple[str, str]]:
    """What a row flows into: tables, and the rows' keys."""
    return {(each.table, next(iter(row.values()))) for each in trace.tables[1:] for row in each.rows}


def held(lake: Lake) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """The orders that the trace back of each row holds."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for table, key in (("shops", "shop"), ("daily", "day")):
        for row in lake.arrow(lake.version(table)).to_pylist():
            traced = trace_back(lake, table, {key: row[key]}).tables
            found[table, row[key]] = [
                order for each in traced if each.table == "orders" for order in each.rows
            ]
    return found


CENTS = st.lists(st.integers(1, 2), min_size=4, max_size=4)
STEPS = st.lists(st.one_of(CENTS, st.sampled_from(["shops", *DAYS])), min_size=1, max_size=4)


@settings(max_examples=examples(12, judged=1), deadline=None)
@given(CENTS, STEPS)
@example([1, 1, 1, 1], ["tue"])  # a partition that the latest run did not write
@example([1, 1, 1, 1], [[2, 2, 2, 2]])  # rows that no run has read
def test_a_row_flows_into_those_whose_trace_back_holds_it(first: list[int], steps: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(str(Path(folder) / "lake"))
        for step in (first, "shops", "mon", *steps):
            make(lake, step)
        back = held(lake)
        for order in lake.arrow(lake.version("orders")).to_pylist():
            trace = trace_forward(lake, table="orders", row=order)
            assert flowed(trace) == {row for row, orders in back.items() if order in orders}
            told = {each.asset for each in trace.stopped}
            assert "shops" in told or ("shops", order["shop"]) in flowed(trace), (
                "nothing is left out silently"
            )


def test_a_partition_whose_writer_left_no_record_is_told(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for step in ([1, 1, 1, 1], "mon"):
        make(lake, step)
    with lake.cursor() as connection:
        by_hand = "SELECT 'tue' AS day, 9::BIGINT AS cents"
        lake.write("daily", by_hand, connection=connection, partition_by="day", partitions=["tue"])
    make(lake, "mon")
    trace = trace_forward(lake, table="orders", row={"id": 0})
    assert flowed(trace) == {("daily", "mon")}
    assert [each.reason for each in trace.stopped] == [
        "what made 1 of its partitions left no record, tue among them"
    ]
