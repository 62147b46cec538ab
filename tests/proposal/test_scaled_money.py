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


PARTS: dict[str, Callable[[Line], dict[str, Any]]] = {
    "units and billionths": lambda line: {
        "units": str(line.cents // 100) if line.number % 4 else line.cents // 100,
        "nanos": line.cents % 100 * 10_000_000,
        "currencyCode": "EUR",
    },
    "millionths": lambda line: {"amountMicros": str(line.cents * 10_000), "currencyCode": "EUR"},
}


@pytest.mark.parametrize("way", PARTS)
@pytest.mark.parametrize("form", ["lists", "records", "columns", "parquet"])
def test_units_with_billionths_and_millionths_are_the_price(tmp_path: Path, way: str, form: str) -> None:
    prices = {line: PARTS[way](line) for line in LINES}
    (tmp_path / "data").mkdir()
    if form == "parquet":
        typed = [
            {name: int(each) if name != "currencyCode" else each for name, each in price.items()}
            for price in prices.values()
        ]
        flat = pl.DataFrame([_flat(line, {}) for line in LINES]).with_columns(pl.Series("price", typed))
        flat.write_parquet(tmp_path / "data" / "orders.parquet")
    elif form == "columns":
        rows = [
            _flat(line, {}) | {f"price_{name}": each for name, each in price.items()}
            for line, price in prices.items()
        ]
        pl.DataFrame(rows, strict=False).write_csv(tmp_path / "data" / "orders.csv")
    else:
        # what is zero is left out, as in JSON of protocol buffers
        kept = {
            line: {name: each for name, each in price.items() if each not in (0, "0")}
            for line, price in prices.items()
        }
        make = _order if form == "lists" else lambda line, price: _flat(line, {}) | {"price": price}
        (tmp_path / "data" / "orders.jsonl").write_text(
            "".join(f"{json.dumps(make(*each))}\n" for each in kept.items())
        )
    proposed(tmp_path, {})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    assert dict(events["order_id", "unit_price"].iter_rows()) == {
        f"o{n.number}": n.cents / 100 for n in LINES
    }


@pytest.mark.parametrize(("name", "pieces"), [("Rate", True), ("rate", False)])
def test_a_rate_is_a_price_beside_pieces_alone(tmp_path: Path, name: str, *, pieces: bool) -> None:
    header = f"Sales Order,Customer,Item Code,Date,{'Qty' if pieces else 'Note'},{name}\n"
    rows = [
        f"o{n.number},c{n.customer},p{n.product},{n.at},{n.pieces if pieces else 'x'},{n.price}\n"
        for n in LINES
    ]
    proposed(tmp_path, {"orders.csv": header + "".join(rows)})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert dict(events["order_id", "unit_price"].iter_rows()) == {
        f"o{n.number}": n.cents / 100 if pieces else None for n in LINES
    }


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
