"""An asset that is made on request only: neither its absence nor its age makes another one stale."""

from __future__ import annotations

import polars as pl

from recsys_lineage.assets.asset_status import AssetStatus, asset_statuses
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.frame_asset import frame_asset
from tests.lineage.project import ORDERS, Project, table


def study(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.select(pl.col("amount").cast(pl.Float64).max().alias("best"))


def model(study: pl.DataFrame) -> pl.DataFrame:
    return study * 2


STUDY, MODEL = frame_asset(study, on_request=True), frame_asset(model)


def statuses(project: Project, orders) -> dict[str, AssetStatus]:
    return asset_statuses(asset_codes([orders, STUDY, MODEL]), project.records)


def test_until_it_is_made_it_is_left_out(project: Project) -> None:
    orders = table("orders")
    project.run(orders)
    assert statuses(project, orders).keys() == {"orders", "model"}


def test_its_age_makes_only_itself_stale(project: Project) -> None:
    orders = table("orders", ORDERS.replace("30.0", "31.0"))
    project.run(table("orders"), STUDY, MODEL)
    project.run(orders)
    found = statuses(project, orders)
    assert "orders changed" in str(found["study"].stale)
    assert found["model"].stale is None


def test_made_again_it_makes_what_reads_it_stale(project: Project) -> None:
    orders = table("orders", ORDERS.replace("30.0", "31.0"))
    project.run(table("orders"), STUDY, MODEL)
    project.run(orders, STUDY)
    assert "study changed" in str(statuses(project, orders)["model"].stale)
