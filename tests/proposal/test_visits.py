"""Where only some rows know their customer and all know the visit, a note says how to take the visit for one."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from tests.proposal.public_files import AT, notes_of, proposed
from tests.proposal.shop_files import loaded

ROWS = [
    {
        "visit": f"{n // 4}",
        "who": None if n % 3 else f"{n % 7}",
        "what": f"{n % 11}",
        "at": at.isoformat(" ")[:19],
    }
    for n, at in enumerate(AT)
]
NAMES = [
    ("sessionId", "userId", "itemId", "eventdate"),
    ("anonymous_id", "user_id", "product_id", "timestamp"),
    ("user_pseudo_id", "user_id", "items.item_id", "event_timestamp"),
    ("visit_no", "customer", "sku", "created_at"),
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
@pytest.mark.parametrize("form", ["csv", "json", "parquet", "numbers"])
def test_a_note_says_how_to_take_each_visit_for_a_customer(
    tmp_path: Path, names: tuple[str, ...], form: str
) -> None:
    frame = pl.DataFrame(ROWS).rename(dict(zip(("visit", "who", "what", "at"), names, strict=True)))
    data = tmp_path / "data"
    data.mkdir()
    if form == "csv":
        frame.write_csv(data / "clicks.csv", null_value="NA")
    elif form == "json":
        frame.write_ndjson(data / "clicks.jsonl")
    else:
        ids = pl.Int64 if form == "numbers" else pl.String
        frame.with_columns(pl.col(names[0], names[1]).cast(ids)).write_parquet(data / "clicks.parquet")
    proposal = proposed(tmp_path, {})
    visit, who, *_ = names
    missing = sum(row["who"] is None for row in ROWS)
    told = notes_of(proposal)
    assert f"column {who} is empty in {missing} of {len(ROWS)} rows" in told
    (said,) = re.findall(r"write (coalesce\(.*\)) AS user_id", told)
    sql = tmp_path / "source" / "raw_events.sql"
    sql.write_text(sql.read_text().replace(f'"{who}" AS user_id', f"{said} AS user_id"))
    events, rejected = loaded(tmp_path / "source", data)
    assert rejected.is_empty() and events.height == len(ROWS)
    known = {row["who"] for row in ROWS if row["who"]}
    assert {user for user in events["user_id"] if not user.startswith(visit)} == known
    assert {user.removeprefix(f"{visit} ") for user in events["user_id"] if user.startswith(visit)} == {
        row["visit"] for row in ROWS if not row["who"]
    }


def test_without_a_customer_each_visit_is_one(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS).select(session="visit", aid="what", ts="at")
    proposal = proposed(tmp_path, {"clicks.csv": frame.write_csv()})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events["user_id"].n_unique() == len(ROWS) // 4
    assert "each of its visits is one" in notes_of(proposal)
