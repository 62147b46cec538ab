"""Ids that are written in several ways are one where that is certain, and told with the way to join them elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

WAYS: Mapping[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "case": (lambda n: f"Sku{n}", lambda n: f"SKU{n}"),
    "zeros": (lambda n: f"{n + 1:06d}", lambda n: f"{n + 1}"),
    "thousands": (lambda n: f"{n + 1234}", lambda n: f"{n + 1234:,}"),
    "alphabet": (lambda n: f"\u0410\u0421{n}", lambda n: f"ac{n}"),
    "width": (lambda n: f"c{n}", lambda n: "".join(chr(ord(sign) + 0xFEE0) for sign in f"c{n}")),
}


def _rows(column: str, ways: tuple[Callable[[int], str], Callable[[int], str]]) -> bytes:
    rows = [
        {"order_id": f"o{n}", "customer_id": f"c-{n % 7}", "sku": f"p-{n % 11}"}
        | {"created_at": f"2024-01-{n % 28 + 1:02d}", column: ways[n // 7 % 2](n % 7)}
        for n in range(84)
    ]
    return pl.DataFrame(rows).write_csv().encode()


@pytest.mark.parametrize(("column", "role"), [("customer_id", "user_id"), ("sku", "item_id")])
@pytest.mark.parametrize("way", WAYS)
def test_ids_in_two_ways_are_told_with_the_sql_that_joins_them(
    tmp_path: Path, way: str, column: str, role: str
) -> None:
    proposal = proposed(tmp_path, {"o.csv": _rows(column, WAYS[way])})
    (note,) = [note for note in proposal.notes if "written in several ways" in note]
    assert f"7 ids of column {column}" in note
    advised = re.search(rf"write (.*) AS {role} wherever", note)
    assert advised is not None
    sql = tmp_path / "source/raw_events.sql"
    text = sql.read_text()
    sql.write_text(text.replace(f'"{column}" AS {role}', f"{advised[1]} AS {role}"))
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == 84 and events[role].n_unique() == 7


def test_mail_addresses_are_one_in_any_case_in_every_table(tmp_path: Path) -> None:
    ways = (lambda n: f"User{n}@Example.org", lambda n: f"user{n}@example.ORG")
    people = "Email,Country\n" + "".join(f"USER{n}@example.org,DE\n" for n in range(7))
    orders = _rows("customer_id", ways).replace(b"customer_id", b"Email (Billing)")
    proposal = proposed(tmp_path, {"orders.csv": orders, "customers.csv": people.encode()})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert {*events["user_id"]} == {f"user{n}@example.org" for n in range(7)}
    assert 'lower("Email") AS user_id' in proposal.files["raw_users.sql"]
    assert not any("written in several ways" in note for note in proposal.notes)


def test_ids_in_one_way_are_not_told(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, {"o.csv": _rows("sku", (lambda n: f"a{n}0", lambda n: f"a{n}"))})
    assert not any("written in several ways" in note for note in proposal.notes)
