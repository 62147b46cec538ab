"""Answers of web services, a page of orders in a line of JSON: init says how they become rows, and that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recsys_assets.proposal.sample.sampled_files import NothingToSample
from tests.proposal.order_lines import LINES
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded


def _orders(html: str) -> list[dict[str, object]]:
    return [
        {
            "id": order,
            "created_at": str(next(n.at for n in LINES if n.order == order)),
            "customer": {"id": next(n.customer for n in LINES if n.order == order), "note": html},
            "line_items": [
                {"sku": f"p{n.product}", "quantity": n.pieces, "price": n.price} for n in LINES if n.order == order
            ],
        }
        for order in sorted({n.order for n in LINES})
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["orders", "data", "order"])
@pytest.mark.parametrize(("pages", "html"), [(1, ""), (3, ""), (1, "x" * 40_000)])
def test_the_advised_command_makes_rows_of_them(tmp_path: Path, name: str, pages: int, html: str) -> None:
    orders = _orders(html)
    size = len(orders) // pages
    lines = [json.dumps({name: orders[n * size : (n + 1) * size], "next": None}) for n in range(pages)]
    with pytest.raises(NothingToSample, match="list of records") as raised:
        proposed(tmp_path, {"page.json": "\n".join(lines) + "\n"})
    command = re.search(r'python (-c "import duckdb.*?\)")', str(raised.value))
    assert command is not None
    data = tmp_path / "data"
    subprocess.run(["bash", "-c", f"{sys.executable} {command[1]}"], cwd=data, check=True, env={**os.environ})
    (data / "page.json").unlink()
    proposed(tmp_path, {})
    events, _ = loaded(tmp_path / "source", data)
    assert events.height == len(LINES)
    assert events["quantity"].sum() == sum(n.pieces for n in LINES)
    assert events["user_id"].n_unique() == len({n.customer for n in LINES})


def test_a_long_line_is_not_called_empty(tmp_path: Path) -> None:
    with pytest.raises(NothingToSample, match="first line is longer than 1 MiB"):
        proposed(tmp_path, {"o.csv": "x" * 3_000_000})
    with pytest.raises(NothingToSample, match="JSON without a record in each line"):
        proposed(tmp_path, {"o.csv": json.dumps([{"a": "x" * 3_000_000}])})
    (tmp_path / "data/o.csv").write_text(" \n")
    with pytest.raises(NothingToSample, match="it is empty"):
        proposed(tmp_path, {})


@pytest.mark.parametrize("name", ["o\nx.csv", "~o.csv", "o\r\n--.csv", "o'\"`*[1]?.csv"])
def test_any_name_of_a_file_is_read(tmp_path: Path, name: str) -> None:
    rows = "".join(f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces}\n" for n in LINES)
    proposed(tmp_path, {name: f"order_id,customer_id,sku,created_at,qty\n{rows}"})
    assert loaded(tmp_path / "source", tmp_path / "data")[0].height == len(LINES)
