"""Whole numbers beside what scales them are the prices that they mean, row by row, and none without their scale."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.proposal.order_lines import LINES, Line
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded


def _yen(line: Line) -> bool:
    return line.number % 5 == 0


def _number(line: Line) -> int:
    return line.cents // 100 if _yen(line) else line.cents


def _expected(line: Line) -> float:
    return float(_number(line)) if _yen(line) else _number(line) / 100


def _order(line: Line, price: dict[str, Any]) -> dict[str, Any]:
    item = {"product_id": f"p{line.product}", "quantity": line.pieces, "price": price}
    return {
        "receipt_id": f"o{line.number}",
        "buyer_user_id": f"c{line.customer}",
        "created_at": str(line.at),
        "transactions": [item],
    }


_FLAT = {
    "amount": "price_amount",
    "value": "price",
    "centAmount": "price_cents",
    "fractionDigits": "price_decimals",
}


def _flat(line: Line, price: dict[str, Any]) -> dict[str, Any]:
    """A price's fields in columns of their own."""
    inner = price["value"] if isinstance(price.get("value"), dict) else price
    order = {"order_id": f"o{line.number}", "customer_id": f"c{line.customer}", "created_at": str(line.at)}
    fields = {_FLAT.get(name, f"price_{name}"): each for name, each in inner.items()}
    return {**order, "sku": f"p{line.product}", "qty": line.pieces, **fields}


PRICES: dict[str, Callable[[Line], dict[str, Any]]] = {
    "Etsy": lambda line: {
        "amount": _number(line),
        "divisor": 1 if _yen(line) else 100,
        "currency_code": "EUR",
    },
    "commercetools": lambda line: {
        "value": {
            "type": "centPrecision",
            "centAmount": _number(line),
            "fractionDigits": 0 if _yen(line) else 2,
        }
    },
    "an exponent": lambda line: {"value": _number(line), "exponent": 0 if _yen(line) else 2},
}


@pytest.mark.parametrize("way", PRICES)
@pytest.mark.parametrize("form", ["lines", "parquet", "flat"])
def test_a_price_is_scaled_by_the_field_beside_it(tmp_path: Path, way: str, form: str) -> None:
    records = [_order(line, PRICES[way](line)) for line in LINES]
    (tmp_path / "data").mkdir()
    if form == "parquet":
        pl.DataFrame(records).write_parquet(tmp_path / "data" / "orders.parquet")
    elif form == "flat":
        text = pl.DataFrame([_flat(n, PRICES[way](n)) for n in LINES]).write_csv()
        (tmp_path / "data" / "orders.csv").write_text(text)
    else:
        (tmp_path / "data" / "orders.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    proposal = proposed(tmp_path, {})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    assert dict(events["order_id", "unit_price"].iter_rows()) == {f"o{n.number}": _expected(n) for n in LINES}
    assert "are scaled by column price" in notes_of(proposal)


def test_a_number_without_its_scale_is_no_price(tmp_path: Path) -> None:
    header = "order_id,customer_id,sku,created_at,qty,price_amount,price_divisor\n"
    rows = [f"o{n.number},c{n.customer},p{n.product},{n.at},{n.pieces},{n.cents},100\n" for n in LINES]
    proposed(tmp_path, {"orders-1.csv": header + "".join(rows)})
    (tmp_path / "data" / "orders-2.csv").write_text(f"{header}late,c1,p1,2024-01-01 10:00:00,1,1299,\n")
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    (late,) = events.filter(pl.col("order_id") == "late")["unit_price"]
    assert late is None


def test_numbers_that_are_no_whole_ones_are_not_scaled(tmp_path: Path) -> None:
    header = "order_id,customer_id,sku,created_at,qty,price,price_precision\n"
    rows = [f"o{n.number},c{n.customer},p{n.product},{n.at},{n.pieces},{n.price},2\n" for n in LINES]
    proposed(tmp_path, {"orders.csv": header + "".join(rows)})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events["order_id", "unit_price"].iter_rows()) == {
        f"o{n.number}": n.cents / 100 for n in LINES
    }
