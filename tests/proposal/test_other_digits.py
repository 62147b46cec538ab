"""Numbers and times in the digits of other scripts are read; DuckDB reads those of ASCII alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.proposal.sample.sampled_column import sampled_column
from tests.proposal.order_lines import LINES, csv_of
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

ZEROS = {
    "full width": "\uff10",
    "Arabic": "\u0660",
    "Persian": "\u06f0",
    "Devanagari": "\u0966",
    "Bengali": "\u09e6",
    "Thai": "\u0e50",
    "Khmer": "\u17e0",
}
SIGNS = {
    "full width": str.maketrans({**dict(zip(".,-/:()", "．，－／：（）", strict=True)), " ": "\u3000"}),  # noqa: RUF001
    "Arabic": str.maketrans(".,", "\u066b\u066c"),
    "Persian": str.maketrans(".,", "\u066b\u066c"),
}
TIMES: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    "slashes": lambda at: f"{at:%Y/%m/%d %H:%M:%S}",
    "epoch": lambda at: str(int((at - datetime(1970, 1, 1)).total_seconds())),
}


def written(text: str, script: str, signs: str) -> str:
    """A text in the digits of a script, and perhaps in its signs."""
    digits = {str(value): chr(ord(ZEROS[script]) + value) for value in range(10)}
    text = text.translate(str.maketrans(digits))
    return text.translate(SIGNS[script]) if signs == "its signs" and script in SIGNS else text


@pytest.mark.parametrize(
    ("script", "signs"), [*zip([*ZEROS, *SIGNS], ["its signs"] * 7 + ["ASCII"] * 3, strict=True)]
)
def test_every_line_has_its_pieces_price_and_time(tmp_path: Path, script: str, signs: str) -> None:
    time = [*TIMES][[*ZEROS].index(script) % len(TIMES)]
    table = csv_of(
        "order_id;customer_id;sku;qty;price;created_at",
        lambda n: [
            n.order, f"c{n.customer}", f"p{n.product}", *(
                written(text, script, signs) for text in (str(n.pieces), f"{n.cents:,}.50", TIMES[time](n.at))
            ),
        ],
        ";",
    )  # fmt: skip
    proposed(tmp_path, {"orders.csv": table})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    found = events.select(
        "item_id", "quantity", "unit_price", pl.col("event_time").dt.replace_time_zone(None)
    )
    assert sorted(found.rows()) == sorted((f"p{n.product}", n.pieces, n.cents + 0.5, n.at) for n in LINES)


@pytest.mark.parametrize("script", ZEROS)
@pytest.mark.parametrize("text", ["12-A", "no. 12 of many"])
def test_words_with_such_digits_stay_as_they_are(script: str, text: str) -> None:
    column = sampled_column(pl.Series("note", [written(text, script, "")] * 3))
    assert (column.kind, column.signs) == ("text", "")


def test_an_id_in_such_digits_is_that_id(tmp_path: Path) -> None:
    row = "2024-01-0{n},u１,１２,1\n"  # noqa: RUF001
    proposed(tmp_path, {"o.csv": "date,user,sku,qty\n" + "".join(row.format(n=n) for n in range(1, 9))})
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert {*events["item_id"]} == {"１２"}  # noqa: RUF001
