"""What happens after a cut-off changes nothing that models are told of before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.model.side_information import item_features, user_features
from tests.examples import examples
from tests.sql.shop import make_shop, records

NEWEST = datetime(2020, 3, 1, 12)
CUT_OFF = NEWEST - timedelta(days=7)
EARLIER = CUT_OFF - timedelta(days=7)
ANCHORS = [
    {"user_id": "u0", "item_id": "i0", "event_time": str(moment), "quantity": "9", "unit_price": "2"}
    for moment in (EARLIER - timedelta(days=20), EARLIER + timedelta(days=1), NEWEST)
]
Row = dict[str, Any]


def event(user: int, item: int, quantity: int, price: int, moment: datetime) -> Row:
    return {
        "user_id": f"u{user}", "item_id": f"i{item}", "quantity": str(quantity), "unit_price": str(price),
        "event_time": str(moment), "behaviour": "return" if quantity < 0 else "purchase",
    }  # fmt: skip


def events(first: datetime, last: datetime, most: int) -> st.SearchStrategy[list[Row]]:
    moment = st.integers(1, int((last - first).total_seconds()) - 1).map(
        lambda s: first + timedelta(seconds=s)
    )
    amount = st.sampled_from([1, 2, 3, 5, -1, -2, -3])
    return st.lists(
        st.builds(event, st.integers(0, 5), st.integers(0, 5), amount, st.integers(1, 9), moment),
        max_size=most,
    )


def described(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Users and items as a source makes them of its invoices: since when a title, a country is known."""
    users: dict[tuple[str, str], str] = {}
    items: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: row["event_time"]):
        users.setdefault((row["user_id"], f"land {row['unit_price']}"), row["event_time"])
        items.setdefault((row["item_id"], f"title {row['quantity']}"), row["event_time"])
    return (
        [{"user_id": user, "country": text, "known_from": when} for (user, text), when in users.items()],
        [
            {"item_id": item, "title": text, "category": text, "known_from": when}
            for (item, text), when in items.items()
        ],
    )


class Tables:
    """The tables of a connection, read as assets read theirs."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con

    def frame(self, table: str, columns: list[str] | None = None) -> pl.DataFrame:
        return self.con.sql(f"SELECT {', '.join(columns or ['*'])} FROM {table}").pl()


def told(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> Mapping[str, Any]:
    """Everything that a model fitted before the cut-off is told."""
    users, items = described(rows)
    everything = [{"_line": line, **row} for line, row in enumerate(rows, start=2)]
    make_shop(con, events=everything, users=users, items=items, without=["rejected_rows"])
    before = records(
        con,
        "SELECT * EXCLUDE (is_target) FROM split WHERE subset <> 'test' ORDER BY user_id, item_id, subset",
    )
    features = {
        name: [
            (part.names, part.ids.tolist(), part.values.toarray().tolist())
            for part in (made(Tables(con), subsets) for subsets in (("train",), ("train", "valid")))  # type: ignore[arg-type]
        ]
        for name, made in (("items", item_features), ("users", user_features))
    }
    make_shop(
        con, events=everything, users=users, items=items, as_of=CUT_OFF, without=["rejected_rows", "split"]
    )
    tables = ("interactions", "user_profiles", "item_profiles", "item_relations", "user_sequences")
    return {
        "split": before,
        **features,
        **{table: con.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in tables},
    }


@st.composite
def later(draw: st.DrawFn, past: list[Row]) -> list[Row]:
    """Events after the cut-off, among them returns of what was bought before it."""
    new = draw(events(CUT_OFF, NEWEST, 6))
    bought = [row for row in past if row["behaviour"] == "purchase"]
    moment = str(CUT_OFF + timedelta(hours=draw(st.integers(1, 100))))
    back = [
        {**row, "quantity": f"-{row['quantity']}", "behaviour": "return", "event_time": moment}
        for row in bought
        if draw(st.booleans())
    ]
    return new + back


@settings(max_examples=examples(6, judged=2), deadline=None)
@given(st.data(), events(EARLIER - timedelta(days=20), CUT_OFF, 14))
def test_moving_adding_and_deleting_later_events_changes_nothing_before(
    data: st.DataObject, past: list[Row]
) -> None:
    future, another = data.draw(later(past)), data.draw(later(past))
    con = duckdb.connect(config={"threads": 1})
    first = told(con, [*ANCHORS, *past, *future])
    second = told(con, [*ANCHORS, *past, *another])
    for name, found in first.items():
        assert second[name] == found, name


def test_a_return_counts_within_its_own_subset_only(con: duckdb.DuckDBPyConnection) -> None:
    bought = EARLIER - timedelta(days=5)
    rows = [
        *ANCHORS,
        event(1, 1, 5, 10, bought),
        event(1, 1, -2, 10, bought + timedelta(days=1)),
        event(1, 1, -3, 10, NEWEST - timedelta(days=1)),
        event(2, 1, 1, 10, bought),
        event(2, 1, -1, 10, CUT_OFF + timedelta(days=1)),
        event(3, 1, 1, 10, bought),
        event(3, 1, -1, 10, bought + timedelta(days=1)),
    ]
    make_shop(con, events=[{"_line": line, **row} for line, row in enumerate(rows)])
    found = con.execute(
        "SELECT user_id, quantity, spend FROM split WHERE subset = 'train' AND item_id = 'i1' ORDER BY 1"
    ).fetchall()
    assert found == [("u1", 3.0, 30.0), ("u2", 1.0, 10.0)], "the price of a piece is spend by quantity"
    assert con.execute("SELECT user_id FROM interactions WHERE item_id = 'i1'").fetchall() == []
