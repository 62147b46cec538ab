"""A column called only ID is the order of its lines where they show that, and nothing where it numbers them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

FIRST = {order: next(n for n in LINES if n.order == order) for order in {n.order for n in LINES}}


def _text(name: str, *, numbered: bool = False, below: bool = False) -> str:
    """Lines of orders; with `below`, only the first line says of which order, whose and when, as ERPNext writes."""
    lines = [
        f"{name},Customer,Posting Date,Posting Time,ID (Items),Item (Items),Quantity (Items),Amount (Items)"
    ]
    for place, n in enumerate(sorted(LINES, key=lambda line: (line.order, line.number))):
        first = FIRST[n.order]
        head = [
            str(place) if numbered else f"SINV-{n.order}",
            f"c{first.customer}",
            f"{first.at:%d.%m.%Y}",
            f"{first.at:%H:%M:%S}",
        ]
        if below and lines[-1].rpartition(";")[2] == str(n.order):
            head = [""] * 4
        lines.append(",".join([*head, f"row{place}", f"p{n.product}", str(n.pieces), f"{n.price};{n.order}"]))
    return "\n".join(line.partition(";")[0] for line in lines) + "\n"


@pytest.mark.parametrize("name", ["ID", "Number", "Nr."])
@pytest.mark.parametrize("below", [False, True])
def test_lines_of_one_id_are_an_order(tmp_path: Path, name: str, below: bool) -> None:
    proposal = proposed(tmp_path, {"Sales Invoice.csv": _text(name, below=below)})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    found = sorted(events["order_id", "user_id", "item_id", "event_time"].rows())
    assert found == sorted(
        (f"SINV-{n.order}", f"c{FIRST[n.order].customer}", f"p{n.product}", FIRST[n.order].at) for n in LINES
    ), proposal.files["raw_events.sql"]
    assert f"column {name} is taken for the order" in notes_of(proposal)
    assert "are rejected" not in notes_of(proposal) and "nothing here reads" not in notes_of(proposal)


def test_the_number_of_each_line_is_no_order(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, {"Sales Invoice.csv": _text("ID", numbered=True)})
    assert "taken for the order" not in notes_of(proposal)
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events["order_id"].null_count() == len(LINES)
