"""Lines that are parts of another line, such as the products of a set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded


@pytest.mark.parametrize("none", ["", "NULL", "\\N", "nan"])
@pytest.mark.parametrize("name", ["parent_item_id", "Parent Line ID", "bundled_by"])
def test_lines_that_are_parts_of_another_line_are_told_with_the_way_to_leave_them_out(
    name: str, none: str, tmp_path: Path
) -> None:
    text = f"item_id,order_id,customer_id,sku,created_at,qty,price,{name}\n"
    for place, n in enumerate(LINES):
        sold = f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces}"
        text += f"{2 * place},{sold},{n.cents / 100},{none}\n{2 * place + 1},{sold},0.00,{2 * place}\n"
    proposal = proposed(tmp_path, {"o.csv": text})
    told = f"column {name} names another line in {len(LINES):,} of {2 * len(LINES):,} rows"
    assert told in notes_of(proposal)
    sql = tmp_path / "source" / "raw_events.sql"
    sql.write_text(f'{sql.read_text()}\nWHERE "{name}" IS NULL\n')
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert len(events) == len(LINES)
