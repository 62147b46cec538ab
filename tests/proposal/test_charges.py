"""Postage, fees and discounts among the lines of orders are told by what they are called, and are no products."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys_assets.proposal.proposal import propose
from tests.proposal.shop_files import loaded, write

HEADER = ["order date", "order_id", "customer_id", "sku", "product name", "qty", "price"]


def orders(items: list[tuple[str, str]]) -> list[list[str]]:
    return [
        [f"2024-05-{day:02d} 10:00", f"o{day}", f"c{day % 3}", sku, title, "1", "9.5"]
        for day in range(1, 6)
        for sku, title in items
    ]


@pytest.mark.parametrize(
    ("charges", "products"),
    [
        (
            [("POST", "DOTCOM POSTAGE"), ("M", "Manual"), ("B", "Adjust bad debt"), ("BANK CHARGES", "Bank Charges")],
            [("84029G", "KNITTED HOT WATER BOTTLE"), ("22752", "MANUAL COFFEE GRINDER"), ("21754", "HOME FEE BLOCK")],
        ),
        (
            [("0000000", "Versandkosten"), ("shipping-de", "Standard-Versand"), ("1.0", "Gebühren für Express")],
            [("A1", "Porto Wein"), ("A2", "Rabatt-Stempel"), ("7", "Versandkarton")],
        ),
        ([("99", "送料"), ("98", "割引")], [("100", "送料無料セット")]),
        ([("S&H", "Shipping & Handling"), ("7 (a)", "Frais de port")], [("x1", "Shipping box"), ("x2", "Tip jar")]),
        ([], [("PADS", "PADS TO MATCH"), ("1001", "Book"), ("1002", "Gift voucher")]),
    ],
)  # fmt: skip
def test_what_is_charged_beside_products_is_refused_and_told(
    tmp_path: Path, charges: list[tuple[str, str]], products: list[tuple[str, str]]
) -> None:
    more = [(str(20_000 + number), f"THING {number}") for number in range(60)] if len(charges) == 4 else []
    write(tmp_path / "orders.csv", HEADER, orders([*charges, *products, *more]), ",", "utf-8")
    proposal = propose("shop", [tmp_path])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path)
    assert {*events["item_id"]} == {sku for sku, _ in [*products, *more]}
    assert rejected.filter(pl.col("table_name") == "raw_events").height == 5 * len(charges)
    assert {*rejected["reason"]} <= {"not a product"}
    said = [note for note in proposal.notes if "non_products" in note]
    assert len(said) == bool(charges)
    assert all(f"({title})" in said[0] for _, title in charges)


@pytest.mark.parametrize("files", [1, 7])
def test_a_charge_is_found_in_whichever_file_it_stands(tmp_path: Path, files: int) -> None:
    """Bank charges come on few days of a year, and a sample of three files would miss them."""
    things = [(str(20_000 + number), f"THING {number}") for number in range(60)]
    rare = [("BANK CHARGES", "Bank Charges"), ("B", "Adjust bad debt"), ("S", "SAMPLES"), ("M", "Manual")]
    for number in range(files):
        sold = [*things, *rare[number % 4 : number % 4 + 1]] if files > 1 else [*things, *rare]
        write(tmp_path / f"2024-05-{number + 1:02d}.csv", HEADER, orders(sold), ",", "utf-8")
    propose("shop", [tmp_path]).write(tmp_path / "source")
    events, _ = loaded(tmp_path / "source", tmp_path)
    assert {*events["item_id"]} == {sku for sku, _ in things}


def test_a_product_that_a_note_calls_a_charge_stays_a_product(tmp_path: Path) -> None:
    """A warehouse writes why a product left in place of its name, on a few of its lines."""
    things = [("22804", "PINK HEART TILE"), ("22804", "PINK HEART TILE "), ("21754", "HOME BLOCK")]
    noted = [*things, ("22804", "Delivery"), ("21754", "HOME BLOCK  ")]
    rows = [*orders(noted), *orders([("POST", "Postage")])]
    write(tmp_path / "orders.csv", HEADER, rows, ",", "utf-8")
    proposal = propose("shop", [tmp_path])
    assert 'non_products = ["POST"]' in proposal.files["source.toml"]
