"""Products in cells of keys and values, as exports of WooCommerce write the lines of an order, become a row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from tests.proposal.order_lines import LINES, Line
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

ORDERS = [[line for line in LINES if line.order == order] for order in range(1, 61)]
WAYS: dict[str, Callable[[Line], str]] = {
    "id first": lambda n: (
        f"id:{n.number}|name:{_escaped(n.title)}|product_id:{n.product}|sku:W-{n.product}|quantity:{n.pieces}|"
        f"subtotal:{n.sum}|total:{n.sum}|total_tax:0.00|refunded:0.00|meta:"
    ),
    "name first": lambda n: (
        f"name:{_plain(n.title)}|product_id:{n.product}|sku:W-{n.product}|quantity:{n.pieces}|total:{n.sum}|"
        f"sub_total:{n.sum}"
    ),
    "sku alone": lambda n: f"sku:{n.product}|qty:{n.pieces}|total:{n.sum}",
    "spaces": lambda n: f"name:Size: M; {n.product}|product_id:{n.product}|quantity:{n.pieces}|total:{n.sum}",
}


def _escaped(title: str) -> str:
    return title.replace("|", "\\|").replace(";", "\\;")


def _plain(title: str) -> str:
    return title.replace("|", "/")


def _one_cell(orders: Sequence[Sequence[Line]], way: str) -> list[dict[str, str]]:
    between = "; " if way == "spaces" else ";"
    return [{"line_items": between.join(map(WAYS[way], lines))} for lines in orders]


def _numbered(orders: Sequence[Sequence[Line]], way: str) -> list[dict[str, str]]:
    most = max(map(len, orders))
    return [
        {f"line_item_{n + 1}": WAYS[way](lines[n]) if n < len(lines) else "" for n in range(most)}
        for lines in orders
    ]


def _table(orders: Sequence[Sequence[Line]], way: str, cells: Callable) -> bytes:
    rows = [
        {
            "order_id": f"{lines[0].order}", "order_date": f"{lines[0].at}", "status": "completed",
            "order_total": "9.99", "customer_id": f"{lines[0].customer}",
            "shipping_items": "id:1|method_id:flat|method_title:Flat|total:4.90", **each,
        }
        for lines, each in zip(orders, cells(orders, way), strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows).write_csv().encode()


@pytest.mark.parametrize("cells", [_one_cell, _numbered])
@pytest.mark.parametrize("way", WAYS)
def test_every_line_of_an_order_is_a_row_with_its_product_pieces_and_sum(
    tmp_path: Path, way: str, cells: Callable
) -> None:
    proposed(tmp_path, {"orders-1.csv": _table(ORDERS, way, cells)})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    found = events.select("order_id", "user_id", "item_id", "quantity", "amount").rows()
    assert sorted(found) == sorted(
        (f"{n.order}", f"{n.customer}", f"{n.product}", n.pieces, pytest.approx(float(n.sum))) for n in LINES
    )
    assert {each.replace(tzinfo=None) for each in events["event_time"]} == {n.at for n in LINES}


@pytest.mark.parametrize("first", [1, 2, 3])
def test_orders_of_more_products_than_before_are_read_whole(tmp_path: Path, first: int) -> None:
    """An export has as many columns as its largest order has products, so tomorrow's may have more or fewer."""
    small = [lines for lines in ORDERS if len(lines) <= first]
    proposed(tmp_path, {"orders-1.csv": _table(small, "id first", _numbered)})
    (tmp_path / "data" / "orders-1.csv").unlink()
    for most in (1, 2, 3):
        of = [lines for lines in ORDERS if len(lines) == most]
        (tmp_path / "data" / f"orders-{most}.csv").write_bytes(_table(of, "id first", _numbered))
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events.height == len(LINES)


def test_files_with_different_numbers_of_columns_are_one_table(tmp_path: Path) -> None:
    files = {
        f"orders-{most}.csv": _table([lines for lines in ORDERS if len(lines) == most], "id first", _numbered)
        for most in (1, 2, 3)
    }
    proposal = proposed(tmp_path, files)
    assert len(proposal.tables["raw_events"]) == 1
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events.height == len(LINES)


def test_the_titles_of_such_products_are_those_of_the_shop(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, {"orders.csv": _table(ORDERS, "id first", _one_cell)})
    (files,) = proposal.groups
    titles = next(column for column in files.columns if column.name == "name")
    assert {*titles.samples} <= {n.title for n in LINES}
