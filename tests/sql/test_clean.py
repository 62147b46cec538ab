"""What the clean layer accepts, fills and refuses, and with which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from tests.sql.shop import EVENT, counts, make_shop, records


def rejected(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, int]]:
    return con.execute(
        "SELECT reason, detail, _file, _line FROM rejected_rows ORDER BY _file, _line"
    ).fetchall()


_QUANTITY = ", and largest_quantity of source.toml is 1000.00"
_PRICE = ", and largest_price of source.toml is 1000.00"


WRONG = [
    ({"user_id": None}, "missing user id", "missing user id"),
    ({"user_id": "  "}, "missing user id", "missing user id"),
    ({"item_id": ""}, "missing item id", "missing item id"),
    ({"item_id": "post"}, "not a product", "item id post is on the source's list"),
    ({"item_id": "gift_0001_20"}, "not a product", "item id gift_0001_20 is on the source's list"),
    ({"quantity": "abc"}, "quantity is not a number", "quantity is 'abc'"),
    ({"unit_price": "2,50"}, "unit price is not a number", "unit price is '2,50'"),
    ({"amount": "x"}, "amount is not a number", "amount is 'x'"),
    ({"discount": "x"}, "discount is not a number", "discount is 'x'"),
    ({"quantity": "0"}, "quantity is zero", "quantity is '0'"),
    ({"quantity": "1001"}, "quantity is out of range", "quantity is '1001'" + _QUANTITY),
    ({"quantity": "-inf"}, "quantity is out of range", "quantity is '-inf'" + _QUANTITY),
    ({"unit_price": "-0.01"}, "unit price is below zero", "unit price is '-0.01'"),
    ({"unit_price": "-inf"}, "unit price is below zero", "unit price is '-inf'"),
    ({"unit_price": "1001"}, "unit price is out of range", "unit price is '1001'" + _PRICE),
    ({"amount": "-1"}, "amount is below zero", "amount is '-1'"),
    ({"amount": "inf"}, "amount is out of range", "amount is 'inf'"),
    ({"event_time": None}, "event time is missing", "event time is empty"),
    ({"event_time": "01/02/2020"}, "event time cannot be read", "event time is '01/02/2020'"),
    (
        {"event_time": "2031-01-01 00:00:00"},
        "event time is outside the data's range",
        "event time is 2031-01-01 00:00:00, its file holds 2031-01-01",
    ),
    (
        {"event_time": "1999-01-01 00:00:00", "_day": date(2020, 1, 1)},
        "event time is outside the data's range",
        "event time is 1999-01-01 00:00:00, its file holds 2020-01-01",
    ),
    ({"quantity": "-1"}, "return without a purchase",
     "no earlier purchase of item i by user u is large enough for 1.0"),
    ({"_fault": "row has 9 fields where the header names 8", "_row": "a,b"}, "malformed row",
     "row has 9 fields where the header names 8"),
]  # fmt: skip
"""What is wrong with an event, the reason for which it is rejected, and the detail."""


@pytest.fixture(scope="module")
def wrong_events() -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop with each wrong event, in the order of `WRONG` from line 2, and a right one behind them."""
    with duckdb.connect(config={"threads": 1}) as con:
        events = [{**EVENT, **change} for change, *_ in WRONG]
        make_shop(con, events=[*events, {**EVENT, "user_id": "other"}])
        yield con


@pytest.mark.parametrize("place", range(len(WRONG)), ids=lambda place: WRONG[place][2])
def test_a_wrong_event_is_rejected_with_its_reason(
    wrong_events: duckdb.DuckDBPyConnection, place: int
) -> None:
    _, reason, detail = WRONG[place]
    assert rejected(wrong_events)[place] == (reason, detail, "a.csv", place + 2)


def test_the_right_event_beside_wrong_ones_is_accepted(wrong_events: duckdb.DuckDBPyConnection) -> None:
    assert len(rejected(wrong_events)) == len(WRONG)
    found = wrong_events.execute("SELECT user_id, _line FROM events").fetchall()
    assert found == [("other", len(WRONG) + 2)]


def test_a_rejected_row_is_kept_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[{**EVENT, "quantity": "abc"}, {"_fault": "row is no CSV", "_row": '1,"a'}])
    first, second = (json.loads(row["raw_row"]) for row in records(con, "FROM rejected_rows ORDER BY _line"))
    assert first["quantity"] == "abc"
    assert first["event_time"] == "2020-01-01 10:00:00"
    assert second == {"line": '1,"a'}


def test_an_accepted_event_is_typed(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[{**EVENT, "quantity": "2", "amount": "4", "discount": "1", "behaviour": " View "}])
    assert records(con, "FROM events") == [
        {
            "event_time": datetime(2020, 1, 1, 10), "day": date(2020, 1, 1), "user_id": "u", "item_id": "i",
            "order_id": "o", "behaviour": "view", "quantity": 2.0, "unit_price": 2.5, "amount": 4.0,
            "discount": 1.0, "store_id": None, "returned_quantity": 0.0, "returns": None, "subset": None, "filled": [],
            "_file": "a.csv", "_line": 2,
        }
    ]  # fmt: skip


def test_what_is_filled_is_named(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            {**EVENT, "quantity": "3", "behaviour": "purchase"},
            {**EVENT, "quantity": "4", "unit_price": None, "amount": "10"},
            {"user_id": "u", "item_id": "i", "event_time": "2020-01-01"},
        ],
    )
    found = con.execute("SELECT quantity, unit_price, amount, filled FROM events ORDER BY _line").fetchall()
    assert found == [
        (3.0, 2.5, 7.5, ["amount"]),
        (4.0, 2.5, 10.0, ["behaviour", "unit_price"]),
        (1.0, None, None, ["behaviour", "quantity"]),
    ]


@pytest.mark.parametrize("none", ["NaN", "nan", "NULL", "#N/A", "", " "])
def test_a_number_that_is_none_counts_as_an_empty_cell(con: duckdb.DuckDBPyConnection, none: str) -> None:
    full = {**EVENT, "amount": "2.5", "discount": "1"}
    tables = []
    for empty in (none, None):
        make_shop(
            con, events=[{**full, name: empty} for name in ("quantity", "unit_price", "amount", "discount")]
        )
        tables.append(con.execute("FROM events ORDER BY _line").fetchall())
    assert len(tables[0]) == 4 and tables[0] == tables[1]


def test_an_undated_source_gets_the_day_of_its_file(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[{"user_id": "u", "item_id": "i", "_day": date(2020, 5, 6)}], undated=True)
    found = con.execute("SELECT event_time, day, 'event_time' IN filled FROM events").fetchall()
    assert found == [(datetime(2020, 5, 6), date(2020, 5, 6), True)]


def test_the_first_of_equal_rows_stays_the_landing_folder_last(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            {**EVENT, "_file": "landing/a.csv", "_line": 1},
            {**EVENT, "_file": "z.csv", "_line": 10},
            {**EVENT, "_file": "z.csv", "_line": 9},
            {**EVENT, "_file": "z.csv", "_line": 8, "order_id": "another"},
        ],
    )
    assert con.execute("SELECT _file, _line FROM events ORDER BY _line").fetchall() == [
        ("z.csv", 8),
        ("z.csv", 9),
    ]
    assert rejected(con) == [
        ("exact duplicate", "the same row as z.csv:9", "landing/a.csv", 1),
        ("exact duplicate", "the same row as z.csv:9", "z.csv", 10),
    ]


def bought(quantity: int, hour: int, order: str, **more: Any) -> dict[str, Any]:
    return {
        **EVENT,
        "quantity": str(quantity),
        "event_time": f"2020-01-01 {hour:02}:00:00",
        "order_id": order,
        **more,
    }


def test_a_return_belongs_to_the_latest_earlier_purchase_that_is_large_enough(con) -> None:
    make_shop(
        con,
        events=[
            bought(5, 8, "early"),
            bought(5, 9, "latest"),
            bought(2, 10, "too small"),
            bought(-3, 11, "C1", behaviour="return"),
            bought(9, 12, "too late"),
            bought(9, 9, "other user", user_id="v"),
            bought(9, 9, "other item", item_id="j"),
        ],
    )
    assert rejected(con) == [("return of a purchase", "return of order latest, a.csv:3", "a.csv", 5)]
    returned = con.execute(
        "SELECT order_id, returned_quantity FROM events WHERE returned_quantity > 0"
    ).fetchall()
    assert returned == [("latest", 3.0)]


def test_a_return_that_names_an_order_belongs_to_it(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            bought(5, 8, "first"),
            bought(5, 9, "second"),
            bought(-3, 10, "first"),
            bought(-5, 11, "second"),
        ],
    )
    assert [row[1] for row in rejected(con)] == [
        "return of order first, a.csv:2",
        "return of order second, a.csv:3",
    ]


def test_no_more_comes_back_than_was_bought(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[bought(5, 8, "a"), bought(-3, 9, "b"), bought(-3, 10, "c"), bought(-2, 8, "d")])
    assert [row[0] for row in rejected(con)] == [
        "return of a purchase",
        "return without a purchase",
        "return of a purchase",
    ]
    assert con.execute("SELECT returned_quantity FROM events").fetchall() == [(5.0,)]


def test_a_fully_returned_purchase_stays_an_event_and_is_no_interaction(con) -> None:
    make_shop(con, events=[bought(5, 8, "a"), bought(-5, 9, "b"), bought(1, 8, "a", item_id="j")])
    assert con.execute("SELECT item_id FROM events ORDER BY 1").fetchall() == [("i",), ("j",)]
    assert con.execute("SELECT item_id FROM interactions").fetchall() == [("j",)]
    assert con.execute("SELECT items FROM user_sequences").fetchall() == [(["j"],)]


def test_several_descriptions_of_an_item_leave_the_most_frequent(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        items=[
            {"item_id": "i", "title": "wrong", "occurrences": "2"},
            {"item_id": "i", "title": None, "occurrences": "99"},
            {"item_id": "i", "title": "Right", "occurrences": "10"},
            {"item_id": "POST", "title": "Postage"},
            {"item_id": None, "title": "?"},
            {"item_id": "j", "occurrences": "many"},
        ],
    )
    assert con.execute("SELECT item_id, title, _line FROM items").fetchall() == [("i", "Right", 4)]
    assert [row[0] for row in rejected(con)] == [
        "another description of this item is more common",
        "another description of this item is more common",
        "not a product",
        "missing item id",
        "occurrences is not a number",
    ]


def test_a_title_is_made_of_what_is_known(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        items=[
            {"item_id": "a", "subcategory": "YOGURT", "package_size": "6 OZ"},
            {"item_id": "b", "department": "DELI"},
            {"item_id": "c"},
        ],
    )
    found = con.execute(
        "SELECT title, category, 'title' IN filled, 'category' IN filled FROM items ORDER BY item_id"
    )
    assert found.fetchall() == [
        ("YOGURT, 6 OZ", "unknown", True, True),
        ("DELI", "unknown", True, True),
        ("item c", "unknown", True, True),
    ]


def test_users_are_one_row_each(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        users=[
            {"user_id": "u", "country": "France", "occurrences": "1"},
            {"user_id": "u", "country": "Spain", "occurrences": "3"},
            {"user_id": "v", "age_group": "45-54"},
            {"user_id": "v", "age_group": "45-54"},
            {"user_id": None},
        ],
    )
    found = con.execute(
        "SELECT user_id, age_group, country, 'age_group' IN filled FROM users ORDER BY 1"
    ).fetchall()
    assert found == [("u", "unknown", "Spain", True), ("v", "45-54", "unknown", False)]
    assert [row[:2] for row in rejected(con)] == [
        ("another row describes this user", "the row at a.csv:3 is kept: it occurs more often, or first"),
        ("exact duplicate", "the same row as a.csv:4"),
        ("missing user id", "missing user id"),
    ]


def test_users_and_items_that_no_table_knows_are_kept_and_profiled(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[EVENT], users=[{"user_id": "known"}], items=[{"item_id": "known", "title": "T"}])
    assert con.execute("SELECT count(*) FROM events").fetchall() == [(1,)]
    assert con.execute("SELECT user_id, events FROM user_profiles ORDER BY 1").fetchall() == [
        ("known", 0),
        ("u", 1),
    ]
    found = con.execute("SELECT item_id, title, events, described FROM item_profiles ORDER BY 1").fetchall()
    assert found == [("i", "item i", 1, False), ("known", "T", 0, True)]


PROMOTION = {
    "item_id": "i",
    "store_id": "s",
    "display": "1",
    "start_day": "2020-01-01",
    "end_day": "2020-01-07",
}


def test_promotions_are_checked_and_copies_left_out(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        promotions=[
            PROMOTION,
            {**PROMOTION, "_file": "landing/x:y.csv"},
            PROMOTION,
            {**PROMOTION, "store_id": "t"},
            {**PROMOTION, "item_id": " "},
            {**PROMOTION, "start_day": "soon"},
            {**PROMOTION, "end_day": None},
            {**PROMOTION, "end_day": "2019-12-31"},
            {"_fault": "row has 1 field where the header names 5", "_row": "x"},
        ],
    )
    found = con.execute("SELECT store_id, copies, _line FROM promotions ORDER BY _line").fetchall()
    assert found == [("s", ["a.csv:4", "landing/x:y.csv:3"], 2), ("t", None, 5)]
    assert rejected(con) == [
        ("exact duplicate", "the same row as a.csv:2", "a.csv", 4),
        ("missing item id", "missing item id", "a.csv", 6),
        ("start day is not a day", "it starts on 'soon' and ends on '2020-01-07'", "a.csv", 7),
        ("end day is not a day", "it starts on '2020-01-01' and ends on (empty)", "a.csv", 8),
        ("it ends before it starts", "it starts on '2020-01-01' and ends on '2019-12-31'", "a.csv", 9),
        ("malformed row", "row has 1 field where the header names 5", "a.csv", 10),
        ("exact duplicate", "the same row as a.csv:2", "landing/x:y.csv", 3),
    ]
    assert counts(con)["raw_promotions"] == (9, 2, 7)


def test_nothing_gives_empty_tables(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con)
    assert set(counts(con).values()) == {(0, 0, 0)}
    assert con.execute("SELECT count(*) FROM item_profiles").fetchall() == [(0,)]
