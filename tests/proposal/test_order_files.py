"""Order files in which not each line says all: lines below the first one of an order, products without a number, lists
of products in a cell, and pieces that came back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from recsys_assets.proposal.proposal import NoEvents
from tests.proposal.market_exports import FIRSTS, is_first
from tests.proposal.order_lines import LINES, Line, csv_of, json_of
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

HEADS = ("Order Reference", "Customer", "Order Date", "Status")


def _line(n: Line) -> list[object]:
    return [f"S{n.order:05d}", f"c{n.customer}", n.at, "Sales Order", f"P{n.product}", n.pieces, n.price]


@pytest.mark.parametrize("below", [HEADS, HEADS[:3], HEADS[1:3], HEADS[:2]])
def test_lines_below_the_first_one_of_an_order_get_what_stands_there(
    tmp_path: Path, below: tuple[str, ...]
) -> None:
    header = [*HEADS, "Order Lines/Product", "Order Lines/Quantity", "Order Lines/Unit Price"]
    blank = {header.index(name) for name in below}
    rows = [
        [value if is_first(n) or place not in blank else "" for place, value in enumerate(_line(n))]
        for n in LINES
    ]
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    told = notes_of(proposed(tmp_path, {"sale.order.csv": text.getvalue()}))
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    found = {
        (e["order_id"], e["user_id"], e["item_id"], e["event_time"]) for e in events.iter_rows(named=True)
    }
    assert found == {(f"S{n.order:05d}", f"c{n.customer}", f"P{n.product}", n.at) for n in LINES}
    assert "count once" not in told


def test_lines_without_a_customer_are_no_lines_below_another(tmp_path: Path) -> None:
    """Guests have an order and a time; their lines get nobody else's id."""
    files = {
        "orders.csv": csv_of(
            "order_id,customer_id,sku,created_at,qty,price",
            lambda n: [n.order, f"c{n.customer}" if n.order % 3 else "", n.product, n.at, n.pieces, n.price],
        )
    }
    proposal = proposed(tmp_path, files)
    assert "last_value" not in proposal.files["raw_events.sql"]
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(n.order % 3 > 0 for n in LINES)


@pytest.mark.parametrize("numbered", [True, False])
def test_products_that_have_no_number_are_told_with_a_way_to_keep_them(
    tmp_path: Path, numbered: bool
) -> None:
    """Where another column numbers them all, that one is taken; where there is only a title, a note says so."""
    files = {
        "orders.csv": csv_of(
            "Order ID,Buyer,Created,Item Name,SKU,Quantity,Price" + (",Listing ID" if numbered else ""),
            lambda n: [
                n.order, n.customer, n.at, n.title, "" if n.product % 3 else f"S{n.product}", n.pieces, n.price,
                *([1000 + n.product] if numbered else []),
            ],
        )
    }  # fmt: skip
    proposal = proposed(tmp_path, files)
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sum(numbered or n.product % 3 == 0 for n in LINES)
    assert ('coalesce("SKU", "Item Name") AS item_id keeps them' in notes_of(proposal)) is not numbered


def _listed(n: Line) -> str:
    lines = [m for m in LINES if m.order == n.order]
    return ",".join(f";P{m.product};{m.pieces};{m.sum};event2=1" for m in lines)


def test_products_of_adobe_analytics_have_their_pieces_and_amounts(tmp_path: Path) -> None:
    heads = [n for n in LINES if FIRSTS[n.order] == n.number]
    rows = (f"{n.at}\tv{n.customer}\t{_listed(n)}\tO{n.order}\n" for n in heads)
    proposed(tmp_path, {"hits.tsv": "date_time\tvisitor_id\tproduct_list\tpurchaseid\n" + "".join(rows)})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    found = sorted(events["order_id", "item_id", "quantity", "amount"].iter_rows())
    assert found == sorted((f"O{n.order}", f"P{n.product}", n.pieces, float(n.sum)) for n in LINES)


def test_lists_of_ids_are_no_products_of_adobe_analytics(tmp_path: Path) -> None:
    orders = "order_id,customer_id,date,items\n" + "".join(
        f"{n},{n % 7},2024-01-{n % 28 + 1:02d},{n % 5};{n % 3 + 5};{n % 4 + 8}\n" for n in range(40)
    )
    proposed(tmp_path, {"orders.csv": orders})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == 120 and events["item_id"].n_unique() == 12


@pytest.mark.parametrize("name", ["Returned quantity", "qty_refunded", "Quantity refunded", "qty_canceled"])
def test_pieces_that_came_back_are_told(tmp_path: Path, name: str) -> None:
    def files(back: int) -> dict[str, bytes]:
        return {
            "orders.csv": csv_of(
                f"order_id,customer_id,sku,created_at,qty,price,{name}",
                lambda n: [
                    n.order,
                    n.customer,
                    n.product,
                    n.at,
                    n.pieces,
                    n.price,
                    back * (n.order % 5 == 0),
                ],
            )
        }

    assert f"column {name} says how many pieces came back" in notes_of(proposed(tmp_path / "a", files(1)))
    assert "came back" not in notes_of(proposed(tmp_path / "b", files(0)))


@pytest.mark.parametrize("name", ["is_recommended", "liked", "voted_up"])
def test_what_was_not_liked_is_told(tmp_path: Path, name: str) -> None:
    files = {
        "reviews.csv": csv_of(
            f"app_id,user_id,date,{name}",
            lambda n: [n.product, n.customer, n.at, ("true", "false")[n.number % 2]],
        )
    }
    assert f"column {name} says whether something was liked" in notes_of(proposed(tmp_path, files))


@pytest.mark.parametrize("role", ["amount", "price"])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_numbers_that_are_called_cents_are_divided_and_others_are_told(
    tmp_path: Path, role: str, form: str
) -> None:
    for name, times in ((f"{role}_cents", 100), (role, 1)):
        rows = [
            {"order_id": f"o{n.order}", "customer_id": f"c{n.customer}", "sku": f"p{n.product}", "at": f"{n.at}",
             "quantity": n.pieces, name: n.cents * (n.pieces if role == "amount" else 1)}
            for n in LINES
        ]  # fmt: skip
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        content = json_of(rows) if form == "json" else text.getvalue().encode()
        proposal = proposed(tmp_path / name, {"lines.jsonl" if form == "json" else "lines.csv": content})
        events, _ = loaded(tmp_path / name / "source", tmp_path / name / "data")
        assert events["amount"].sum() == pytest.approx(sum(n.pieces * n.cents for n in LINES) / times)
        assert ("where they are cents divide them by 100" in notes_of(proposal)) is (times == 1)


def test_advice_names_no_column_that_cannot_be_a_customer_or_a_product(tmp_path: Path) -> None:
    """Times, and columns that are not called like one, are no examples to follow."""
    buys = "".join(f"{n.order},{n.at.isoformat()}Z,{2000 + n.product},{n.cents},1\n" for n in LINES)
    with pytest.raises(NoEvents) as error:
        proposed(tmp_path / "a", {"buys.dat": buys})
    assert "user_id=column_1" in str(error.value) and "item_id=column_3" in str(error.value)
    header = "id,Created (UTC),Amount,Currency,Status,Customer ID"
    rows = "".join(f"ch_{n.number},{n.at},{n.sum},usd,Paid,cus_{n.customer}\n" for n in LINES)
    with pytest.raises(NoEvents) as error:
        proposed(tmp_path / "b", {"payments.csv": f"{header}\n{rows}"})
    assert "item_id=NAME" in str(error.value)
