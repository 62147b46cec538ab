"""A small shop in a real lake, made by `materialize`: a file, tables, a table by day, a model that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.parts.run import Run
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.records.record_writers import ENGINE


def _sql(name: str, text: str, **more: Any) -> AssetCode:
    return sql_code(SqlText(text, f"{name}.sql"), name=name, **more)


class Shop:
    """The lake and the files of a shop.

    raw_orders ← orders.csv; orders ← raw_orders; shops ← orders; daily ← orders, by day; model ← shops and itself;
    report ← shops and daily, of which it reads the second only when asked to.
    """

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(str(folder / "lake"), ENGINE)
        self.file = folder / "orders.csv"
        self.file.write_text("id,shop,day,amount\n1,a,mon,2.5\n2,b,mon,3\n3,a,tue,4\n")
        self._runs = 0

    def make(self, *names: str, partitions: list[str] | None = None) -> str:
        """Materialize some assets in one run, in order; returns the run's id."""
        self._runs += 1
        run = Run(f"{self._runs:04}-of-the-shop", "by hand", code_location="shop")
        for name in names:
            request = Request(partitions=partitions if name == "daily" else None)
            done = attempt(getattr(self, f"_{name}")(), self.lake, request, run=run)
            if done.error is not None:
                raise done.error
        return run.run_id or ""

    def everything(self) -> str:
        """Make all of it in one run."""
        return self.make("raw_orders", "orders", "shops", "daily", "model", "report")

    def _raw_orders(self) -> AssetCode:
        def raw_orders(inputs: Inputs) -> pl.DataFrame:
            with inputs.open_file(self.file) as file:
                return pl.read_csv(file.read())

        return frame_code(raw_orders)

    def _orders(self) -> AssetCode:
        return _sql(
            "orders",
            "-- column: shop: who sold [pii]\n"
            "SELECT id, shop, day, CAST(amount * 100 AS BIGINT) AS cents FROM raw_orders",
            cleared={"pii": "a test"},
        )

    def _shops(self) -> AssetCode:
        text = "SELECT shop, sum(cents) AS cents FROM orders WHERE id > 0 GROUP BY shop"
        return _sql("shops", text, cleared={"pii": "a test"})

    def _daily(self) -> AssetCode:
        def daily(inputs: Inputs, request: Request) -> Output:
            days = request.partitions or ["mon", "tue"]
            orders = inputs.relation("orders")
            sql = (
                f"SELECT day, sum(cents) AS cents FROM {orders} WHERE list_contains($days, day) GROUP BY day"
            )
            return Output(Query(sql, {"days": days}), partition_by="day", partitions=days)

        return frame_code(daily, reads=["orders"], cleared={"pii": "a test"})

    def _model(self) -> AssetCode:
        def model(shops: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
            before = inputs.previous()
            old = 0 if before is None else before.frame()["weight"].sum()
            return pl.DataFrame({"weight": [int(old) + int(shops["cents"].sum())]})

        return frame_code(model, cleared={"pii": "a test"})

    def _report(self) -> AssetCode:
        def report(inputs: Inputs) -> pl.DataFrame:
            return inputs.query("SELECT count(*) AS shops FROM shops")

        return frame_code(report, reads=["shops", "daily"], cleared={"pii": "a test"})
