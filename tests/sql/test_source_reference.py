"""What `docs/data.md` says of raw columns and of `source.toml` is what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.source_reference import COLUMNS, KEYS, columns_table, keys_table
from recsys_assets.shop.source_settings import SourceSettings
from tests.sql.shop import make_shop, records

DOCS = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
FULL: Mapping[str, Mapping[str, Any]] = {
    "raw_events": {
        "event_time": "2020-01-01 10:00:00", "user_id": "u", "item_id": "i", "order_id": "o", "behaviour": "view",
        "quantity": "3", "unit_price": "2.5", "amount": "7.5", "discount": "1", "store_id": "s", "subset": "train",
        "line_id": "7",
    },
    "raw_users": {
        "user_id": "u", "age_group": "old", "income_group": "high", "household_size": "3", "household_type": "single",
        "home_ownership": "renter", "marital_status": "married", "children": "2", "country": "France",
        "occurrences": "4", "known_from": "2020-01-01",
    },
    "raw_items": {
        "item_id": "i", "title": "cup", "department": "kitchen", "category": "cups", "subcategory": "small cups",
        "brand": "b", "manufacturer": "m", "package_size": "1 pc", "occurrences": "4", "known_from": "2020-01-01",
    },
    "raw_promotions": {
        "item_id": "i", "store_id": "s", "kind": "placement", "display": "front", "mailer": "back", "coupon_id": "c",
        "campaign_id": "k", "start_day": "2020-01-01", "end_day": "2020-01-07",
    },
}  # fmt: skip
EVERY_COLUMN = [(table, name) for table, names in RAW_COLUMNS.items() for name in names]


def test_the_documentation_has_the_tables() -> None:
    for table in RAW_COLUMNS:
        assert columns_table(table) in DOCS, f"put columns_table({table!r}) into docs/data.md"
    assert keys_table() in DOCS, "put keys_table() into docs/data.md"


def test_every_column_and_every_key_is_told_and_no_other() -> None:
    for table, columns in COLUMNS.items():
        assert [*columns] == [*RAW_COLUMNS[table]]
        assert all(each.values and each.missing for each in columns.values()), columns
    assert [*KEYS] == [field.name for field in fields(SourceSettings)] and all(KEYS.values())


def make_shop_with(con: duckdb.DuckDBPyConnection, value: str | None) -> None:
    """Each table has its full row with this value in one column after another, and the full row itself behind them.

    Each row is of a customer or an item of its own.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for table, names in RAW_COLUMNS.items():
        own = [name for name in ("user_id", "item_id") if name in names]
        full = [
            {**FULL[table], **{name: f"{name}{place}" for name in own}} for place in range(len(names) + 1)
        ]
        for name, row in zip(names, full, strict=False):
            row[name] = value
        rows[table] = full
    make_shop(
        con,
        events=rows["raw_events"],
        users=rows["raw_users"],
        items=rows["raw_items"],
        promotions=rows["raw_promotions"],
    )


def made(con: duckdb.DuckDBPyConnection, table: str, place: int) -> dict[str, Any]:
    """What is made of a raw table's row at a place: the clean one, or why it was refused."""
    line = place + 2
    refused = f"SELECT reason FROM rejected_rows WHERE table_name = '{table}' AND _line = {line}"
    clean = f"SELECT * FROM {table.removeprefix('raw_')} WHERE _line = {line}"
    (row,) = records(con, refused) or records(con, clean)
    return row


@pytest.fixture(scope="module")
def lacking() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop in which each column is missing once."""
    with duckdb.connect(config={"threads": 1}) as con:
        make_shop_with(con, None)
        yield con


@pytest.fixture(scope="module")
def nonsense() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop in which each column once holds what is no number and no time."""
    with duckdb.connect(config={"threads": 1}) as con:
        make_shop_with(con, "no such thing")
        yield con


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_where_a_column_is_missing_that_is_done_which_is_told(
    lacking: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    told = COLUMNS[table][column].missing
    place = [*RAW_COLUMNS[table]].index(column)
    row = made(lacking, table, place)
    if refusal := re.match(r"row rejected: ([a-z ]+)", told):
        assert row == {"reason": refusal[1].strip()}
        return
    assert "reason" not in row and not RAW_COLUMNS[table][column].required
    if told == "`unknown`":
        profile, key = {"raw_users": ("user_profiles", "user_id"), "raw_items": ("items", "item_id")}[table]
        profiled = f"SELECT {column} FROM {profile} WHERE {key} = '{key}{place}'"
        assert records(lacking, profiled) == [{column: "unknown"}]
    elif column in row:
        expected = {
            "`default_behaviour`": "purchase",
            "1": 1.0,
            "amount divided by quantity": 2.5,
            "quantity times unit price": 7.5,
        }
        expected["subcategory and package size, or the id"] = "small cups, 1 pc"
        if told in expected:
            assert row[column] == expected[told]
        else:
            assert row[column] is None


def test_without_times_an_event_gets_the_day_of_its_file(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[{**FULL["raw_events"], "event_time": None}], undated=True)
    assert str(made(con, "raw_events", 0)["event_time"]) == "2020-01-01 00:00:00"


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_a_value_that_is_not_of_the_type_is_refused_and_none_else(
    nonsense: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    names = [*RAW_COLUMNS[table]]
    assert "reason" not in made(nonsense, table, len(names))
    is_text = COLUMNS[table][column].type in ("id", "text")
    assert ("reason" in made(nonsense, table, names.index(column))) is not is_text
