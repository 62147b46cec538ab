"""A small shop whose raw tables a test writes row by row."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.shop_rules import ShopRules
from recsys_assets.sql import load_sql, parameters_of

PARAMETERS: dict[str, Any] = {
    **ShopRules().rule_parameters(),
    "holdout_weeks": 1,
    "as_of": None,
    "default_behaviour": "purchase",
    "earliest_day": date(2000, 1, 1),
    "half_life_days": 10.0,
    "largest_price": 1000.0,
    "largest_quantity": 1000.0,
    "latest_day": date(2030, 1, 1),
    "non_products": "(?i:POST|GIFT_.*)",
    "rows_are_parts": False,
    "undated": False,
}
GROUPS = {
    "clean": ("events", "users", "items", "promotions", "rejected_rows"),
    "features": ("interactions", "user_profiles", "item_profiles", "item_relations", "user_sequences"),
    "model": ("split",),
}
EVENT = {"event_time": "2020-01-01 10:00:00", "user_id": "u", "item_id": "i", "order_id": "o", "quantity": "1",
         "unit_price": "2.5"}  # fmt: skip

Row = Mapping[str, Any]


def write_raw(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """Makes a raw table of text columns; `_file` is a.csv and `_line` the row's place where a row does not say."""
    names = [*RAW_COLUMNS[table], "_file", "_line", "_fault", "_row"]
    if table == "raw_events":
        names += ["_day", "_row_hash", "_event_id"]
    full = [{"_file": "a.csv", "_line": place, **row} for place, row in enumerate(rows, start=2)]
    for row in full:
        if table == "raw_events":
            row.setdefault("_day", _day(row.get("event_time")) or date(2020, 1, 1))
    types = {"_line": pa.int64(), "_day": pa.date32(), "_row_hash": pa.int32()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    con.register("written", pa.Table.from_pylist(full, schema=schema))
    con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM written").fetchall()


def make_shop(
    con: duckdb.DuckDBPyConnection,
    *,
    events: Sequence[Row] = (),
    users: Sequence[Row] = (),
    items: Sequence[Row] = (),
    promotions: Sequence[Row] = (),
    without: Collection[str] = (),
    **parameters: Any,
) -> None:
    """Makes the raw tables and every clean and feature table of them, but those that nobody asks for."""
    for table, rows in zip(RAW_COLUMNS, (events, users, items, promotions), strict=True):
        write_raw(con, table, rows)
    make_tables(con, without, **parameters)


def make_tables(con: duckdb.DuckDBPyConnection, without: Collection[str] = (), **parameters: Any) -> None:
    """Makes every clean and feature table of the raw tables that are there, but those that nobody asks for."""
    for group, tables in GROUPS.items():
        for table in tables:
            if table in without:
                continue
            sql, names = _loaded(group, table)
            values = {name: {**PARAMETERS, **parameters}[name] for name in names}
            con.execute(f"CREATE OR REPLACE TABLE {table} AS {sql}", values).fetchall()


@functools.cache
def _loaded(group: str, table: str) -> tuple[str, tuple[str, ...]]:
    sql = load_sql(group, table)
    return sql, tuple(parameters_of(sql, PARAMETERS))


def records(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    return con.sql(sql).to_arrow_table().to_pylist()


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int, int]]:
    """Rows read, accepted and rejected of each raw table."""
    found = {}
    for raw in RAW_COLUMNS:
        clean = raw.removeprefix("raw_")
        found[raw] = con.execute(
            f"""SELECT (SELECT count(*) FROM {raw}), (SELECT count(*) FROM {clean}),
                (SELECT count(*) FROM rejected_rows WHERE table_name = '{raw}')"""
        ).fetchall()[0]
    return found


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
