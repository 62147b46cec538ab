"""Prices and quantities that are usual for a shop are no errors, in whichever currency or unit; wrong ones are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES, csv_of
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded


def _limits(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(largest_\w+) = (\d+)$", text, re.MULTILINE)}


@pytest.mark.parametrize(("form", "factor"), [("{:,}", 100), ("{} ₫", 1_000), ("Rp{:,}", 50_000)])
def test_every_price_of_a_shop_is_accepted_and_larger_ones_of_later_days(
    tmp_path: Path, factor: int, form: str
) -> None:
    def table(times: int) -> bytes:
        return csv_of(
            "order_id;customer_id;sku;qty;price;created_at",
            lambda n: [n.order, n.customer, n.product, n.pieces, form.format(n.cents * times), n.at],
            ";",
        )

    proposal = proposed(tmp_path, {"orders-1.csv": table(factor)})
    assert {*_limits(proposal.files["source.toml"])} == {"largest_price"}
    (tmp_path / "data" / "orders-2.csv").write_bytes(table(10 * factor))
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events["unit_price"].sum() == 11 * factor * sum(n.cents for n in LINES)


def test_pieces_in_grams_are_accepted(tmp_path: Path) -> None:
    table = csv_of(
        "order_id,customer_id,sku,qty,price,created_at",
        lambda n: [n.order, n.customer, n.product, n.pieces * 60_000, "0.01", n.at],
    )
    proposal = proposed(tmp_path, {"orders.csv": table})
    assert {*_limits(proposal.files["source.toml"])} == {"largest_quantity"}
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events.height == len(LINES)


@pytest.mark.parametrize("wrong", [99_999, 4_500_000])
def test_one_wrong_price_raises_no_limit(tmp_path: Path, wrong: int) -> None:
    table = csv_of(
        "order_id,customer_id,sku,qty,price,created_at",
        lambda n: [n.order, n.customer, n.product, 1, wrong if n.number == 7 else n.price, n.at],
    )
    assert not _limits(proposed(tmp_path, {"orders.csv": table}).files["source.toml"])
    _, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.height == (wrong > 100_000)
