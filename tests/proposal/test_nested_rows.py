"""Orders are the same, in whichever objects an export or a queue puts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_assets.proposal.proposal import propose
from tests.proposal.shop_files import loaded

AT = [datetime(2024, 3, 1, 9) + timedelta(days=n) for n in range(6)]
ORDERS = [
    {
        "order_id": f"o{n}",
        "created_at": str(at),
        "customer_id": f"u{n % 3}",
        "sku": f"p{n % 2}",
        "price": 2.5 + n,
    }
    for n, at in enumerate(AT)
]
EXPECTED = sorted((f"o{n}", f"u{n % 3}", f"p{n % 2}", at, 2.5 + n) for n, at in enumerate(AT))


def _mongo(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "_id": {"$oid": order["order_id"]},
        **order,
        "created_at": {"$date": order["created_at"]},
        "price": {"$numberDecimal": str(order["price"])},
    }


WAYS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Elasticsearch": lambda order: {"_index": "orders", "_id": order["order_id"], "_source": order},
    "MongoDB": _mongo,
    "MongoDB in a wrapper": lambda order: {"op": "c", "payload": _mongo(order)},
    "Segment": lambda order: {
        "customer_id": order["customer_id"],
        "timestamp": order["created_at"],
        "properties": {name: order[name] for name in ("order_id", "sku", "price")},
    },
    "objects": lambda order: {
        "order": {"id": order["order_id"]},
        "created_at": order["created_at"],
        "customer": {"id": order["customer_id"]},
        "product": {"id": order["sku"], "price": order["price"]},
    },
    "a list of lines": lambda order: {
        "data": {
            "order_id": order["order_id"],
            "created_at": order["created_at"],
            "customer": {"id": order["customer_id"], "email": None},
            "lines": [{"product": {"id": order["sku"]}, "price": order["price"]}],
        }
    },
}


def orders_of(folder: Path) -> list[tuple]:
    propose("A shop", [folder / "data"]).write(folder / "source")
    events, rejected = loaded(folder / "source", folder / "data")
    assert rejected.is_empty()
    return sorted(
        (order, user, item, at.replace(tzinfo=None), price)
        for order, user, item, at, price in events[
            "order_id", "user_id", "item_id", "event_time", "unit_price"
        ].iter_rows()
    )


WAYS |= {
    "prices with currencies": lambda order: {
        **{name: order[name] for name in ("order_id", "created_at", "customer_id", "sku")},
        "price": {"amount": str(order["price"]), "currency": "EUR"},
    },
    "a list of products": lambda order: {
        "id": order["order_id"],
        "created_at": order["created_at"],
        "customer": {"id": order["customer_id"]},
        "products": [{"id": order["sku"], "price": {"value": order["price"], "currency_code": "EUR"}}],
    },
    "lists deep inside": lambda order: {
        "created_at": order["created_at"],
        "customer_id": order["customer_id"],
        "order": {
            "id": order["order_id"],
            "lines": [
                {"variant": {"sku": order["sku"]}, "price_set": {"shop_money": {"amount": order["price"]}}}
            ],
        },
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_lines_of_json_are_read_in_whatever_holds_them(tmp_path: Path, way: str) -> None:
    (tmp_path / "data").mkdir()
    lines = [json.dumps(WAYS[way](order)) for order in ORDERS]
    (tmp_path / "data" / "orders.ndjson").write_text("\n".join(lines) + "\n")
    assert orders_of(tmp_path) == EXPECTED


@pytest.mark.parametrize(
    "way",
    ["objects", "a list of lines", "prices with currencies", "a list of products", "lists deep inside"],
)
def test_records_in_parquet_are_read_by_their_fields_and_are_no_ids(tmp_path: Path, way: str) -> None:
    (tmp_path / "data").mkdir()
    rows = [WAYS[way](order | {"created_at": at}) for order, at in zip(ORDERS, AT, strict=True)]
    pl.DataFrame([row.get("data", row) for row in rows]).write_parquet(tmp_path / "data" / "orders.parquet")
    assert orders_of(tmp_path) == EXPECTED


@pytest.mark.parametrize("way", ["objects", "a list of lines", "lists deep inside"])
@pytest.mark.parametrize("form", ["csv", "csv, over several lines", "parquet"])
def test_cells_of_json_are_read_by_their_fields(tmp_path: Path, way: str, form: str) -> None:
    """As databases export columns of objects and lists."""
    (tmp_path / "data").mkdir()
    rows = [WAYS[way](order) for order in ORDERS]
    indent = 2 if "several" in form else None
    texts = [
        {
            name: json.dumps(v, indent=indent) if isinstance(v, dict | list) else v
            for name, v in row.get("data", row).items()
        }
        for row in rows
    ]
    frame = pl.DataFrame(texts)
    path = tmp_path / "data" / f"orders.{form[:3]}"
    if form == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, quote_style="always" if indent else "necessary")
    assert orders_of(tmp_path) == EXPECTED


LISTS: dict[str, Callable[[list[str]], object]] = {
    "texts": lambda things: things,
    "numbers": lambda things: [int(thing[1:]) for thing in things],
    "records": lambda things: [{"id": thing, "qty": 1} for thing in things],
}


@pytest.mark.parametrize(
    ("name", "of"),
    [("items", "records"), ("product_ids", "texts"), ("skus", "texts"), ("item_id", "numbers")],
)
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_each_product_of_a_list_is_a_row(tmp_path: Path, name: str, of: str, form: str) -> None:
    things = [["p1", "p2"], ["p2"], ["p3", "p1", "p2"]] * 4
    rows = [
        {
            "order": n,
            "created_at": f"2024-01-{n + 1:02d}",
            "customer_id": f"u{n % 3}",
            name: LISTS[of](listed),
        }
        for n, listed in enumerate(things)
    ]
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"orders.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif form == "csv":
        pl.DataFrame([row | {name: json.dumps(row[name])} for row in rows]).write_csv(path)
    else:
        pl.DataFrame(rows).write_parquet(path)
    propose("A shop", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    expected = [thing[1:] if of == "numbers" else thing for listed in things for thing in listed]
    assert sorted(events["item_id"]) == sorted(expected)
    assert rejected.filter(pl.col("table_name") == "raw_events").is_empty()
