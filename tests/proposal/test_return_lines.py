"""Lines whose type says that they take back what others sold are returns; prices in cents are divided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES, Line, json_of, orders_of
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

BACK = [n for n in LINES if n.order % 9 == 0]
HEADER = "doc;date;customer;sku;qty;price;"


def _rows(sold: str, back: str, sign: str = "") -> str:
    lines = [f"{n.order};{n.at};c{n.customer};p{n.product};{n.pieces};{n.price};{sold}\n" for n in LINES]
    lines += [
        f"{900 + n.order};{n.at + timedelta(days=1)};c{n.customer};p{n.product};{sign}{n.pieces};{n.price};{back}\n"
        for n in BACK
    ]
    return "".join(lines)


@pytest.mark.parametrize(("name", "sold", "back"), [
    ("transaction type", "Invoice", "Credit Memo"), ("Document Type", "Sale", "REFUND"), ("FKART", "F2", "RE"),
    ("Belegart", "Rechnung", "Gutschrift"), ("AUART", "TA", "RE"), ("is_return", "0", "1"),
    ("Type de document", "Facture", "Avoir"), ("Line Type", "sold", "returned"), ("ReturnFlag", "N", "Y"),
])  # fmt: skip
@pytest.mark.parametrize("sign", ["", "-"])
def test_lines_of_a_type_that_takes_back_are_subtracted_from_purchases(
    tmp_path: Path, name: str, sold: str, back: str, sign: str
) -> None:
    """With numbers below zero, too, which say so already."""
    proposal = proposed(tmp_path, {"sales.csv": f"{HEADER}{name}\n{_rows(sold, back, sign)}"})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    bought = events.filter(events["behaviour"] == "purchase")
    assert bought.height == len(LINES), proposal.files["raw_events.sql"]
    assert rejected.height == len(BACK)
    assert bought["returned_quantity"].sum() == sum(n.pieces for n in BACK)
    assert ("are taken for returns" in notes_of(proposal)) is not sign


@pytest.mark.parametrize(("name", "sold", "back"), [
    ("transaction type", "Invoice", "Credit Memo"), ("Document Type", "Sales order", "Returned goods"),
    ("Belegart", "Rechnung", "Gutschrift"), ("Type de document", "Facture", "Avoir"),
    ("Line Type", "sale item", "refund"),
])  # fmt: skip
def test_a_later_file_may_bring_the_first_lines_that_take_back(
    tmp_path: Path, name: str, sold: str, back: str
) -> None:
    header, *lines = f"{HEADER}{name}\n{_rows(sold, back)}".splitlines(keepends=True)
    proposal = proposed(tmp_path, {"sales-1.csv": "".join([header, *lines[: len(LINES)]])})
    assert "lines of later files that it calls returns" in notes_of(proposal)
    (tmp_path / "data" / "sales-2.csv").write_text("".join([header, *lines[len(LINES) :]]))
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES) and rejected.height == len(BACK)
    assert events["returned_quantity"].sum() == sum(n.pieces for n in BACK)


@pytest.mark.parametrize(("name", "one", "other"), [
    ("transaction type", "Credit card", "Cash"), ("order type", "online", "pickup"), ("payment type", "card", "cash"),
])  # fmt: skip
def test_other_types_count(tmp_path: Path, name: str, one: str, other: str) -> None:
    proposal = proposed(tmp_path, {"sales.csv": f"{HEADER}{name}\n{_rows(one, other)}"})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES) + len(BACK)
    assert ("rows of all these count" in notes_of(proposal)) is name.endswith(("n type", "r type"))


def _square(n: Line) -> dict:
    money = {"amount": n.cents, "currency": "USD"}
    return {"uid": f"u{n.number}", "catalog_object_id": f"p{n.product}", "name": n.title, "quantity": f"{n.pieces}",
            "base_price_money": money}  # fmt: skip


def _commercetools(n: Line) -> dict:
    money = {"type": "centPrecision", "currencyCode": "EUR", "centAmount": n.cents, "fractionDigits": 2}
    return {
        "id": f"l{n.number}",
        "productId": f"p{n.product}",
        "price": {"value": money},
        "quantity": n.pieces,
    }


def _plain(n: Line) -> dict:
    money = {"amount": n.cents / 100, "currency": "USD"}
    return {"transaction_id": n.number, "product_id": f"p{n.product}", "quantity": n.pieces, "price": money}


@pytest.mark.parametrize("line", [_square, _commercetools, _plain])
def test_prices_in_records_are_those_of_the_shop(tmp_path: Path, line: Callable[[Line], dict]) -> None:
    """And lines have the id of their order, not one of their own."""
    orders = orders_of(
        lambda n: {"receipt_id": f"o{n.order}", "customer_id": f"c{n.customer}", "created_at": f"{n.at}"},
        line,
        "line_items",
    )
    proposal = proposed(tmp_path, {"orders.jsonl": json_of(orders)})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    paid = sum(n.pieces * n.cents for n in LINES) / 100
    assert events["amount"].sum() == pytest.approx(paid), proposal.files["raw_events.sql"]
    assert events["order_id"].n_unique() == len({n.order for n in LINES})


def test_users_of_a_till_are_no_customers(tmp_path: Path) -> None:
    text = "sale_id,date,user_id,customer_id,product_id,quantity,price\n" + "".join(
        f"{n.order},{n.at},{n.order % 3},c{n.customer},{n.product},{n.pieces},{n.price}\n" for n in LINES
    )
    proposed(tmp_path, {"sales.csv": text})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events["user_id"].str.starts_with("c").all()
