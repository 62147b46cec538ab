"""States of orders in codes are what another file of the shop calls them: cancelled orders are no purchases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES, csv_of, total
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

HEADS = [n for n in LINES if not any(n.order == m.order and m.number < n.number for m in LINES)]
NAMES = {
    "PrestaShop": (
        "ps_order_state_lang.csv",
        "id_order_state;id_lang;name;template",
        {1: "Awaiting check payment", 2: "Payment accepted", 4: "Shipped", 6: "Canceled", 7: "Refunded",
         8: "Payment error"},
    ),
    "French": (
        "ps_order_state_lang.csv",
        "id_order_state;id_lang;name;template",
        {1: "En attente du paiement", 2: "Paiement accepté", 4: "Expédié", 6: "Annulé", 7: "Remboursé",
         8: "Erreur de paiement"},
    ),
    "OpenCart": (
        "oc_order_status.csv",
        "order_status_id;language_id;name;note",
        {1: "Pending", 2: "Processing", 4: "Shipped", 6: "Canceled", 7: "Refunded", 8: "Failed",
         9: "Canceled Reversal"},
    ),
    "Shopware": (
        "s_core_states.csv",
        "id;position;description;name",
        {1: "In Bearbeitung", 2: "Komplett abgeschlossen", 4: "Ausgeliefert", 6: "Storniert / Abgelehnt",
         7: "Erstattet", 8: "Abgebrochen"},
    ),
}  # fmt: skip
COLUMN = {
    "PrestaShop": "current_state",
    "French": "current_state",
    "OpenCart": "order_status_id",
    "Shopware": "status",
}
OF_ORDER = (2, 4, 1, 2, 4, 2, 6, 7, 8, 2)


def _state(order: int) -> int:
    return OF_ORDER[order % len(OF_ORDER)]


def _names(system: str) -> bytes:
    _, header, names = NAMES[system]
    rows = [f"{code};{place};{name};{name.lower()}" for place, (code, name) in enumerate(names.items())]
    return "\n".join([header, *rows, ""]).encode()


def _files(system: str) -> Mapping[str, bytes]:
    column = COLUMN[system]
    heads = f"id_order;id_customer;{column};total_paid;date_add\n" + "".join(
        f"{n.order};{n.customer};{_state(n.order)};{total(n.order)};{n.at}\n" for n in HEADS
    )
    lines = csv_of(
        "id_order_detail;id_order;product_id;product_quantity;unit_price_tax_incl",
        lambda n: [n.number, n.order, n.product, n.pieces, n.price],
        ";",
    )
    return {"orders.csv": heads.encode(), "order_detail.csv": lines}


@pytest.mark.parametrize("system", NAMES)
@pytest.mark.parametrize("layout", ["heads", "each line"])
def test_orders_that_came_to_nothing_are_left_out_and_named(tmp_path: Path, system: str, layout: str) -> None:
    file, _, names = NAMES[system]
    files = _files(system)
    if layout == "each line":
        files = {
            "orders.csv": csv_of(
                f"order_id;customer_id;sku;qty;price;created_at;{COLUMN[system]}",
                lambda n: [n.order, n.customer, n.product, n.pieces, n.price, n.at, _state(n.order)],
                ";",
            )
        }
    proposal = proposed(tmp_path, {**files, file: _names(system)})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert {int(order) for order in events["order_id"]} == {
        n.order for n in LINES if _state(n.order) not in (6, 7, 8)
    }, proposal.files["raw_events.sql"]
    assert rejected.is_empty()
    assert f"6 = {names[6]} (" in notes_of(proposal) and "are taken for no purchases" in notes_of(proposal)


def test_codes_that_no_file_names_count_and_are_told(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, _files("PrestaShop"))
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES)
    assert "where some of these codes mean" in notes_of(proposal)


def test_tables_that_name_codes_differently_decide_nothing(tmp_path: Path) -> None:
    files = {
        **_files("Shopware"),
        "a_state.csv": _names("Shopware"),
        "b_state.csv": _names("Shopware").replace(b"6;", b"2;", 1),
    }
    files["b_state.csv"] = files["b_state.csv"].replace(b"\n2;1;", b"\n6;1;", 1)
    proposed(tmp_path, files)
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == len(LINES)
