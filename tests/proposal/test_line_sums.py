"""Sums of a line and of an order are told by their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES, Line, total
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

_SHOP = "order_id,customer_id,sku,created_at,qty,price,total\n"


@pytest.mark.parametrize(
    ("price", "sum_", "note"),
    [
        ("price", "sum", ""),
        ("sum", "sum", "column price grows with the pieces: it is taken for the amount of the line"),
        ("price", "total", "column total is the same on all lines of an order"),
        ("sum", "total", "column price grows with the pieces: it is taken for the amount of the line"),
    ],
)
def test_sums_of_a_line_and_of_an_order_are_told_by_their_numbers(
    tmp_path: Path, price: str, sum_: str, note: str
) -> None:
    def of(what: str, line: Line) -> str:
        return total(line.order) if what == "total" else getattr(line, what)

    text = _SHOP + "".join(
        f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces},{of(price, n)},{of(sum_, n)}\n"
        for n in LINES
    )
    proposal = proposed(tmp_path, {"o.csv": text})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events["amount"].sum() == pytest.approx(sum(line.pieces * line.cents for line in LINES) / 100)
    assert note in notes_of(proposal) and ("it is taken for" in notes_of(proposal)) == bool(note)
