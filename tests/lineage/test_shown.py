"""What a page shows of many runs: made of the records after each run, and never a reason for it to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.records.records import Records
from tests.lineage.project import REUSE, Project, table


def total(orders: pl.DataFrame) -> Output:
    """The sum of all amounts."""
    return Output(orders.select(pl.sum("amount")), statistics={"sum": float(orders["amount"].sum())})


def sums(records: Records) -> Mapping[str, Any]:
    return {"sums": ", ".join(str(record.statistics["sum"]) for record in records.history("total", last=3))}


def broken(records: Records) -> Mapping[str, Any]:
    raise ValueError("no picture today")


def test_a_run_shows_the_last_runs_also_where_it_kept_what_was_there(project: Project) -> None:
    made = frame_asset(total, look=AssetLook(shown=sums))
    for amount, tags in ((1, {}), (2, {}), (2, REUSE), (3, {})):
        project.run(table("orders", f"SELECT {amount}.0 AS amount"), made, tags=tags)
        shown = project.event("total").metadata
        assert shown["sum"].value == amount
        assert next(iter(shown)) == "sums"
    assert shown["sums"].value == "2.0, 2.0, 3.0"
    assert [record.status for record in project.records.history("total", last=4)] == [
        "success", "success", "kept", "success"
    ]  # fmt: skip


def test_a_page_that_cannot_be_made_leaves_the_run_as_it_is(project: Project) -> None:
    done = project.run(table("orders"), frame_asset(total, look=AssetLook(shown=broken)))
    assert done.success
    assert project.event("total").metadata["sum"].value == 60.0
    assert "is incomplete: ValueError: no picture today" in str(
        [log.user_message for log in project.instance.all_logs(done.run_id)]
    )
