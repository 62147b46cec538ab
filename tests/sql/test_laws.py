"""Laws of the whole pipeline, on random dirt and on real files."""

from __future__ import annotations

import random
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from tests.examples import examples
from tests.sql.pipeline import CLEAN, FEATURES, open_source, run_pipeline
from tests.sql.shop import counts, make_shop, make_tables, write_raw

SHARED = Path(__file__).parents[3] / "shared/data"

ID = st.sampled_from(["a", "b", " a", "", None, "POST"])
NUMBER = st.sampled_from(
    ["1", "2", "-1", "-2", "0", "3.5", "1e9", "nan", "inf", "-inf", "x", "", None, "0.1", "0.7"]
)
TIME = st.sampled_from(
    ["2020-01-01", "2020-01-01 10:00:00", "2020-01-03 11:00:00", "1990-01-01", "2999-01-01", "x", "", None]
)
TEXT = st.sampled_from(["A", "B", "", " ", None, "unknown"])
PLACE = {
    "_file": st.sampled_from(["a.csv", "b:1.csv", "landing/a.csv"]),
    "_fault": st.sampled_from([None, None, None, "row is no CSV"]),
}


def rows(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({**columns, **PLACE})
    return st.lists(row, max_size=12).map(
        lambda drawn: [
            {**row, "_line": line, "_row": row["_fault"]} for line, row in enumerate(drawn, start=2)
        ]
    )


SHOPS = st.fixed_dictionaries(
    {
        "events": rows(
            event_time=TIME, user_id=ID, item_id=ID, order_id=st.sampled_from(["o", "p", None]),
            behaviour=st.sampled_from(["purchase", "view", "return", "", None]), quantity=NUMBER,
            unit_price=NUMBER, amount=NUMBER, discount=NUMBER, store_id=TEXT,
        ),
        "users": rows(user_id=ID, age_group=TEXT, occurrences=NUMBER),
        "items": rows(item_id=ID, title=TEXT, category=TEXT, brand=TEXT, occurrences=NUMBER),
        "promotions": rows(item_id=ID, store_id=TEXT, display=TEXT, coupon_id=TEXT, start_day=TIME, end_day=TIME),
    }
)  # fmt: skip


def contents(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {table: con.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in (*CLEAN, *FEATURES)}


@settings(max_examples=examples(15), deadline=None)
@given(shop=SHOPS, undated=st.booleans(), seed=st.integers(0, 2**32))
def test_accepted_and_rejected_are_what_was_read_in_any_order(
    shop: dict[str, Any], undated: bool, seed: int
) -> None:
    con = duckdb.connect(config={"threads": 2})
    make_shop(con, **shop, undated=undated)
    for table, (read, accepted, refused) in counts(con).items():
        assert accepted + refused == read, table
        clean = table.removeprefix("raw_")
        places = con.execute(
            f"""SELECT count(DISTINCT (_file, _line)) FROM (
                SELECT _file, _line FROM {clean} UNION ALL
                SELECT _file, _line FROM rejected_rows WHERE table_name = '{table}')"""
        ).fetchall()
        assert places == [(read,)], table
    assert con.execute(
        "SELECT count(*) FROM rejected_rows WHERE reason IS NULL OR detail IS NULL"
    ).fetchall() == [(0,)]
    assert con.execute("SELECT count(*) FROM rejected_rows WHERE raw_row IS NULL").fetchall() == [(0,)]
    first = contents(con)
    shuffled = {name: random.Random(seed).sample(rows, len(rows)) for name, rows in shop.items()}
    for name, some in shuffled.items():
        write_raw(con, f"raw_{name}", some)
    make_tables(con, undated=undated)
    assert contents(con) == first


def accepted_and_rejected_are_what_was_read(
    con: duckdb.DuckDBPyConnection,
) -> dict[str, tuple[int, int, int]]:
    found = counts(con)
    for table, (read, accepted, refused) in found.items():
        assert accepted + refused == read, table
    assert con.execute(
        "SELECT count(*) FROM rejected_rows WHERE reason IS NULL OR detail IS NULL"
    ).fetchall() == [(0,)]
    return found


@pytest.mark.slow
def test_online_retail(con: duckdb.DuckDBPyConnection) -> None:
    data = SHARED / "online-retail"
    if not data.is_dir():
        pytest.skip(f"the Online Retail files are not at {data}")
    source = load_source("online-retail")
    run_pipeline(con, source, data)
    found = accepted_and_rejected_are_what_was_read(con)
    assert found["raw_events"][0] == 541_909
    reasons = dict(
        con.execute(
            "SELECT reason, count(*) FROM rejected_rows WHERE table_name = 'raw_events' GROUP BY 1"
        ).fetchall()
    )
    assert reasons["missing user id"] == 135_080
    assert set(reasons) == {
        "missing user id",
        "not a product",
        "exact duplicate",
        "return of a purchase",
        "return without a purchase",
    }
    # every return that was matched is in its purchase's returned_quantity, to the piece
    returned = con.execute(
        "SELECT sum(-(raw_row->>'quantity')::DOUBLE) FROM rejected_rows WHERE reason = 'return of a purchase'"
    ).fetchall()
    assert con.execute("SELECT sum(returned_quantity) FROM events").fetchall() == returned
    assert con.execute("SELECT count(*) FROM events WHERE returned_quantity > quantity").fetchall() == [(0,)]
    first = {table: _digest(con, table) for table in (*CLEAN, *FEATURES)}
    for table in RAW_COLUMNS:
        con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {table} ORDER BY hash(_file, _line)").fetchall()
    con.execute("SET threads = 1").fetchall()
    make_tables(con, **source.parameters())
    assert {table: _digest(con, table) for table in (*CLEAN, *FEATURES)} == first


@pytest.mark.slow
def test_the_complete_journey(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    source = load_source("complete-journey")
    packaged = source.data_folder()
    assert packaged is not None
    for path in packaged.glob("*.parquet"):
        if path.stem != "promotions":
            shutil.copy(path, tmp_path)
    # a twentieth of the promotions: the law is the same and the test is short
    con.execute(
        f"COPY (SELECT * FROM read_parquet('{packaged}/promotions.parquet') WHERE product_id % 20 = 0) "
        f"TO '{tmp_path}/promotions.parquet' (FORMAT parquet)"
    ).fetchall()
    run_pipeline(con, source, tmp_path)
    found = accepted_and_rejected_are_what_was_read(con)
    assert found["raw_events"][0] == 1_469_307
    assert con.execute(
        "SELECT DISTINCT reason FROM rejected_rows WHERE table_name = 'raw_events'"
    ).fetchall() == [("quantity is zero",)]
    assert con.execute("SELECT count(*) FROM user_profiles").fetchall() == [(2469,)]
    # week 2 begins on Monday, 2 January
    weeks = con.execute(
        "SELECT min(start_day), min(end_day), max(end_day) FROM promotions WHERE kind = 'placement'"
    ).fetchall()
    assert weeks == [(date(2016, 12, 26), date(2017, 1, 1), date(2017, 12, 31))]


def test_gowalla(con: duckdb.DuckDBPyConnection) -> None:
    data = SHARED / "gowalla"
    if not data.is_dir():
        pytest.skip(f"the Gowalla files are not at {data}")
    opened = open_source(con, load_source("interaction-lists"), data)
    assert [report.rows for report in opened[0].reports] == [29_858] * 3


def _digest(con: duckdb.DuckDBPyConnection, table: str) -> tuple[Any, ...]:
    return con.execute(
        f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT) FROM {table} AS t"
    ).fetchall()[0]
