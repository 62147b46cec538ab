"""What `docs/data.md` says of raw columns and of `source.toml` is what the code does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recsys_assets.raw_columns import RAW_COLUMNS, REQUIRED_COLUMNS
from recsys_assets.source_reference import COLUMNS, KEYS, columns_table, keys_table
from recsys_assets.source_settings import SourceSettings
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
    assert {table: tuple(columns) for table, columns in COLUMNS.items()} == dict(RAW_COLUMNS)
    assert set(KEYS) == {field.name for field in fields(SourceSettings)}


def made(
    con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any], **parameters: Any
) -> dict[str, Any]:
    """The row that is made of a raw one: the clean one, or why it was refused."""
    tables = {name.removeprefix("raw_"): [] for name in RAW_COLUMNS} | {table.removeprefix("raw_"): [row]}
    make_shop(con, **tables, **parameters)
    refused = records(con, "SELECT reason FROM rejected_rows")
    return refused[0] if refused else records(con, f"SELECT * FROM {table.removeprefix('raw_')}")[0]


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_where_a_column_is_missing_that_is_done_which_is_told(
    con: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    told = COLUMNS[table][column].missing
    row = made(con, table, {**FULL[table], column: None})
    if refusal := re.match(r"row refused: ([a-z ]+)", told):
        assert row == {"reason": refusal[1].strip()}
        return
    assert "reason" not in row and column not in REQUIRED_COLUMNS[table]
    if told == "`unknown`":
        profile = {"raw_users": "user_profiles", "raw_items": "items"}[table]
        assert records(con, f"SELECT {column} FROM {profile}") == [{column: "unknown"}]
    elif column in row:
        expected = {
            "`default_behaviour`": "purchase",
            "1": 1.0,
            "amount by quantity": 2.5,
            "quantity by unit price": 7.5,
        }
        expected["subcategory and package size, or the id"] = "small cups, 1 pc"
        if told in expected:
            assert row[column] == expected[told]
        else:
            assert row[column] is None


def test_without_times_an_event_gets_the_day_of_its_file(con: duckdb.DuckDBPyConnection) -> None:
    row = made(con, "raw_events", {**FULL["raw_events"], "event_time": None}, undated=True)
    assert str(row["event_time"]) == "2020-01-01 00:00:00"


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_a_value_that_is_not_of_the_type_is_refused_and_none_else(
    con: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    assert "reason" not in made(con, table, FULL[table])
    is_text = COLUMNS[table][column].type in ("id", "text")
    assert ("reason" in made(con, table, {**FULL[table], column: "no such thing"})) is not is_text
