"""Names of columns that hold line ends, as spreadsheets wrap them, below any lines of a report's head."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

ROWS = [(f"o{n}", f"c{n % 4}", f"p{n % 7}", f"{n % 3 + 1}") for n in range(30)]
NAMES = ("Order ID", "Customer ID", "SKU", "Qty (pcs)", "Created at")


@pytest.mark.sampled(5)  # each end, number and head stays
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("wrapped", [1, 3, 5])
@pytest.mark.parametrize("above", ["", "My shop\n", 'Report;5" tiles; all\nfrom 2024-01-01\n\n'])
def test_a_header_of_several_lines_is_one_header(tmp_path: Path, above: str, wrapped: int, end: str) -> None:
    names = [
        f'"{name.replace(" ", end, 1)}"' if place < wrapped else name for place, name in enumerate(NAMES)
    ]
    rows = [";".join([*row, f"2024-01-{n % 28 + 1:02d} 10:00"]) for n, row in enumerate(ROWS)]
    text = above.replace("\n", end) + end.join([";".join(names), *rows, ""])
    proposed(tmp_path, {"o.csv": text})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    assert [*events.select("order_id", "user_id", "item_id").sort("order_id").iter_rows()] == sorted(
        row[:3] for row in ROWS
    )
    assert events["quantity"].sum() == sum(int(row[3]) for row in ROWS)
