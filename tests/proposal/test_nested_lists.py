"""Lists in lists become rows: the items of a visit's orders, the lines of a customer's orders, what a parcel holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_assets.proposal.proposal import propose
from tests.proposal.order_lines import LINES, Line
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

Record = dict[str, Any]
ORDERS = [(order, [*lines]) for order, lines in groupby(LINES, lambda line: line.order)]


def _item(line: Line) -> Record:
    return {"sku": f"p{line.product}", "quantity": line.pieces, "price": line.cents / 100}


def _visits() -> list[Record]:
    """As Matomo exports them: a visit's actions, of which orders have items; every fifth visit leaves a cart behind."""
    visits = []
    for order, lines in ORDERS:
        at, items = str(lines[0].at), [_item(line) for line in lines]
        named = [{"itemSKU": each.pop("sku"), "itemName": "Tea", **each} for each in items]
        actions: list[Record] = [{"type": "action", "url": "https://shop/tea", "at": at}]
        if order % 5 == 0:
            actions.append({"type": "ecommerceAbandonedCart", "at": at, "itemDetails": named[:1]})
        actions.append({"type": "ecommerceOrder", "at": at, "orderId": f"o{order}", "itemDetails": named})
        visits.append({"idVisit": f"{order}", "visitorId": f"c{lines[0].customer}", "actionDetails": [
            {("timestamp" if key == "at" else key): value for key, value in action.items()} for action in actions
        ]})  # fmt: skip
    return visits


def _customers() -> list[Record]:
    people: dict[int, list[Record]] = {}
    for order, lines in ORDERS:
        made = {"id": f"o{order}", "created_at": str(lines[0].at), "lines": [_item(line) for line in lines]}
        people.setdefault(lines[0].customer, []).append(made)
    return [{"id": f"c{who}", "name": f"Ann {who}", "orders": orders} for who, orders in people.items()]


def _parcels() -> list[Record]:
    return [
        {"id": f"o{order}", "date": str(lines[0].at), "customer": {"id": f"c{lines[0].customer}"},
         "shipments": [{"id": f"s{line.number}", "items": [_item(line)]} for line in lines]}
        for order, lines in ORDERS
    ]  # fmt: skip


NESTED: dict[str, Callable[[], list[Record]]] = {
    "visits": _visits,
    "customers": _customers,
    "parcels": _parcels,
    "three deep": lambda: [{"shop": "north", "people": [record]} for record in _customers()],
}


def _write(records: list[Record], form: str, folder: Path) -> None:
    folder.mkdir()
    if form == "lines":
        (folder / "shop.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    elif form == "parquet":
        pl.DataFrame(records).write_parquet(folder / "shop.parquet")
    else:
        cells = [
            {
                name: json.dumps(each) if isinstance(each, list | dict) else each
                for name, each in record.items()
            }
            for record in records
        ]
        pl.DataFrame(cells).write_csv(folder / "shop.csv")


@pytest.mark.parametrize("form", ["lines", "parquet", "cells"])
@pytest.mark.parametrize("way", NESTED)
def test_lines_are_those_of_a_flat_file(tmp_path: Path, way: str, form: str) -> None:
    _write(NESTED[way](), form, tmp_path / "data")
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    bought = events.filter(pl.col("behaviour") == "purchase")
    found = bought["order_id", "user_id", "item_id", "quantity", "unit_price", "event_time"].rows()
    first = {order: lines[0] for order, lines in ORDERS}
    assert sorted(found) == sorted(
        (
            f"o{n.order}",
            f"c{first[n.order].customer}",
            f"p{n.product}",
            n.pieces,
            n.cents / 100,
            first[n.order].at,
        )
        for n in LINES
    ), proposal.files["raw_events.sql"]
    carts = [order for order, _ in ORDERS if order % 5 == 0] if way == "visits" else []
    assert events.height - bought.height == len(carts)
    assert rejected.filter(pl.col("table_name") == "raw_events").height == (
        len(ORDERS) if way == "visits" else 0
    )
    assert "raw_items" not in proposal.tables or way == "visits", "the name of a customer is no title"


def test_a_record_that_lists_orders_is_said_to_be_the_customer(tmp_path: Path) -> None:
    text = "\n".join(map(json.dumps, _customers())) + "\n"
    assert "column id of the records that list orders is taken for the customer" in notes_of(
        proposed(tmp_path, {"people.jsonl": text})
    )
