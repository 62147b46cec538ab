"""Products of one order in one cell become a row each, with their pieces if these are named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import polars as pl
import pytest

from tests.proposal.order_lines import LINES, Line
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

ORDERS = [[line for line in LINES if line.order == order] for order in range(1, 61)]
WITH_PIECES: dict[str, Callable[[Line], str]] = {
    "2 x p1": lambda n: f"{n.pieces} x p{n.product}",
    "2x p1": lambda n: f"{n.pieces}x p{n.product}",
    "2 Mug 1, with a sign": lambda n: f"{n.pieces}\u00d7 Mug {n.product}",
    "p1 x2": lambda n: f"p{n.product} x{n.pieces}",
    "p1:2": lambda n: f"p{n.product}:{n.pieces}",
    "p1 (2)": lambda n: f"p{n.product} ({n.pieces})",
    "Mug 1 (x2)": lambda n: f"Mug {n.product} (x{n.pieces})",
}
ALONE: dict[str, Callable[[Line], str]] = {
    "p1": lambda n: f"p{n.product}",
    "Blue Mug": lambda n: f"Blue Mug {n.product}",
}


def _load(tmp_path: Path, cells: Sequence[str]) -> pl.DataFrame:
    rows = [
        {
            "order_id": f"o{lines[0].order}",
            "customer": f"c{lines[0].customer}",
            "date": str(lines[0].at),
            "items": cell,
        }
        for lines, cell in zip(ORDERS, cells, strict=True)
    ]
    proposed(tmp_path, {"o.csv": pl.DataFrame(rows).write_csv().encode()})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.filter(pl.col("table_name") == "raw_events").is_empty()
    assert events.height == len(LINES)
    return events


@pytest.mark.parametrize(
    ("way", "between"), [*zip(WITH_PIECES, cycle([", ", ";", " | ", "\n"]), strict=False)]
)
def test_products_with_their_pieces_are_rows_with_quantities(tmp_path: Path, way: str, between: str) -> None:
    events = _load(tmp_path, [between.join(map(WITH_PIECES[way], lines)) for lines in ORDERS])
    assert events["item_id"].n_unique() == len({line.product for line in LINES})
    assert events["quantity"].sum() == sum(line.pieces for line in LINES)


@pytest.mark.parametrize(
    ("way", "between"), [("p1", " "), ("p1", "|"), ("Blue Mug", ", "), ("Blue Mug", ";")]
)
def test_products_alone_are_rows(tmp_path: Path, way: str, between: str) -> None:
    events = _load(tmp_path, [between.join(map(ALONE[way], lines)) for lines in ORDERS])
    assert {*events["item_id"]} == {ALONE[way](line) for line in LINES}


@pytest.mark.parametrize("other", ["refunded_items", "bundles"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_of_several_lists_the_one_of_what_was_sold_becomes_rows(
    tmp_path: Path, other: str, form: str
) -> None:
    rows = [
        {
            "id": lines[0].order, "customer_id": lines[0].customer, "created_at": str(lines[0].at),
            other: [{"sku": "p0", "qty": 1}] if lines[0].order % 10 == 0 else [],
            "items": [{"sku": f"p{line.product}", "qty": line.pieces} for line in lines],
        }
        for lines in ORDERS
    ]  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    if form == "jsonl":
        (data / "o.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pl.DataFrame(rows).write_parquet(data / "o.parquet")
    proposed(tmp_path, {})
    events, _ = loaded(tmp_path / "source", data)
    assert events.height == len(LINES)
    assert events["quantity"].sum() == sum(line.pieces for line in LINES)
