"""What the features say of a small shop, worked out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pytest

from tests.sql.shop import make_shop, records


def event(user: str, item: str, day: int, order: str = "", **more: Any) -> dict[str, Any]:
    return {
        "user_id": user, "item_id": item, "event_time": f"2020-01-{day:02} 12:00:00", "quantity": "1",
        "unit_price": "2", "behaviour": "purchase", "order_id": order or f"{user}{day}", **more,
    }  # fmt: skip


def test_interactions_sum_what_was_kept(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            event("u", "i", 1, quantity="4"),
            event("u", "i", 2, quantity="-1"),
            event("u", "i", 11),
            event("u", "i", 11, behaviour="view"),
        ],
    )
    purchase, view = records(con, "FROM interactions ORDER BY behaviour")
    assert purchase == {
        "user_id": "u", "item_id": "i", "behaviour": "purchase", "subset": None, "count": 2, "quantity": 4.0,
        "spend": 8.0, "first_time": datetime(2020, 1, 1, 12), "last_time": datetime(2020, 1, 11, 12),
        "recency_weight": 1.5,
    }  # fmt: skip
    assert (view["behaviour"], view["count"], view["recency_weight"]) == ("view", 1, 1.0)


def test_a_pair_in_several_subsets_belongs_to_the_first(con: duckdb.DuckDBPyConnection) -> None:
    subsets = ["test", "train", "valid"]
    make_shop(
        con,
        events=[event("u", "i", 1, subset=name) for name in subsets] + [event("u", "j", 1, subset="test")],
    )
    found = con.execute("SELECT item_id, subset, count FROM interactions ORDER BY 1").fetchall()
    assert found == [("i", "train", 3), ("j", "test", 1)]


def test_features_as_of_a_time_know_nothing_later(con: duckdb.DuckDBPyConnection) -> None:
    early = [event("u", "i", 1), event("u", "j", 2), event("v", "i", 3)]
    late = [event("u", "k", 20), event("w", "i", 21)]
    promotions = [
        {"item_id": "i", "start_day": "2020-01-01", "end_day": "2020-01-02"},
        {"item_id": "i", "start_day": "2020-01-25", "end_day": "2020-01-26"},
    ]
    told = {}
    for name, events, known, as_of in (
        ("then", early, promotions[:1], None),
        ("now", early + late, promotions, datetime(2020, 1, 10)),
    ):
        make_shop(con, events=events, promotions=known, as_of=as_of)
        told[name] = [
            con.execute(f"FROM {table} WHERE {column} IN ('u', 'v', 'i', 'j') ORDER BY ALL").fetchall()
            for table, column in (
                ("interactions", "user_id"),
                ("user_profiles", "user_id"),
                (
                    "(SELECT * EXCLUDE (popularity, category_items, brand_items) FROM item_profiles)",
                    "item_id",
                ),
                ("item_relations", "item_id"),
                ("user_sequences", "user_id"),
            )
        ]
    assert told["now"] == told["then"]


def test_user_profiles(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            event("u", "i", 4, "a", store_id="s", discount="2"),
            event("u", "j", 4, "a", unit_price="4", event_time="2020-01-04 18:00:00"),
            event("u", "i", 14, "b", store_id="t"),
            event("v", "i", 14),
        ],
        users=[{"user_id": "u", "age_group": "45-54"}, {"user_id": "z", "income_group": "low"}],
        items=[{"item_id": "i", "category": "A"}, {"item_id": "j", "category": "B"}],
    )
    profiles = {row["user_id"]: row for row in records(con, "FROM user_profiles")}
    u = profiles["u"]
    assert (u["segment"], u["events"], u["baskets"], u["items"], u["categories"]) == ("age 45-54", 3, 2, 2, 2)
    assert (u["stores"], u["spend"], u["spend_per_basket"], u["events_per_basket"]) == (2, 8.0, 4.0, 1.5)
    assert u["price_mean"] == pytest.approx(8 / 3)
    assert u["discount_share"] == 0.2
    assert u["repeat_share"] == pytest.approx(1 / 3)
    assert u["top_category_share"] == pytest.approx(2 / 3)
    assert u["weekend_share"] == pytest.approx(2 / 3)
    assert u["evening_share"] == pytest.approx(1 / 3)
    assert (u["days_since_last"], u["days_since_first"], u["active_days"]) == (0.0, 10.0, 2)
    assert u["days_between_baskets"] == 10.0
    assert "age_group" not in u["filled"]
    assert "country" in u["filled"]
    assert profiles["v"]["segment"] == "activity medium"
    assert (profiles["z"]["segment"], profiles["z"]["events"]) == ("income low", 0)


def test_item_profiles(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            event("u", "i", 1, quantity="4", unit_price="1"),
            event("u", "i", 2, "back", quantity="-1"),
            event("u", "i", 3, unit_price="3"),
            event("v", "i", 30, unit_price="5", discount="5"),
            event("v", "j", 30, unit_price="9"),
        ],
        items=[
            {"item_id": "i", "title": "Jam", "category": "A", "brand": "B"},
            {"item_id": "j", "title": "Tea", "category": "A"},
            {"item_id": "k", "title": "New", "category": "A"},
        ],
        promotions=[
            {"item_id": "i", "display": "1", "start_day": "2020-01-01", "end_day": "2020-01-07"},
            {
                "item_id": "i",
                "mailer": "A",
                "display": "2",
                "start_day": "2020-01-01",
                "end_day": "2020-01-07",
            },
            {"item_id": "i", "coupon_id": "c", "start_day": "2020-01-01", "end_day": "2020-01-07"},
        ],
    )
    profiles = {row["item_id"]: row for row in records(con, "FROM item_profiles")}
    i = profiles["i"]
    assert i["text"] == "Jam, A, B"
    assert (i["events"], i["baskets"], i["users"], i["quantity"], i["revenue"]) == (3, 3, 2, 5.0, 11.0)
    assert (i["price_mean"], i["price_min"], i["price_max"], i["price_median"]) == (3.0, 1.0, 5.0, 3.0)
    assert i["price_spread"] == pytest.approx((8 / 3) ** 0.5 / 3)
    assert i["price_to_category"] == pytest.approx(3 / 4.5)
    assert (i["repeat_rate"], i["category_items"], i["category_share"]) == (0.5, 3, 0.75)
    assert i["returned_share"] == pytest.approx(1 / 6)
    assert i["recent_share"] == pytest.approx(2 / 3)
    assert i["trend"] == pytest.approx(1 / 3)
    assert (i["popularity"], profiles["k"]["popularity"]) == (1.0, 0.0)
    assert (i["placements"], i["display_share"], i["mailer_share"], i["coupons"]) == (2, 1.0, 0.5, 1)
    assert profiles["k"]["events"] == 0


def test_profiles_have_enough_finite_numbers_for_models(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[event("u", "i", 1), event("u", "j", 1, unit_price=None), event("v", "j", 2, unit_price="0")],
        users=[{"user_id": "silent"}],
        items=[{"item_id": "unsold"}],
    )
    for table, least in (("user_profiles", 10), ("item_profiles", 20)):
        numeric = [
            row[0]
            for row in con.execute(f"DESCRIBE {table}").fetchall()
            if row[1] in {"BIGINT", "INTEGER", "DOUBLE", "HUGEINT"}
        ]
        assert len(numeric) >= least
        for column in numeric:
            wrong = con.execute(
                f"SELECT count(*) FROM {table} WHERE {column} IS NULL OR NOT isfinite({column}::DOUBLE)"
            ).fetchall()
            assert wrong == [(0,)], (table, column)


def test_items_of_the_same_baskets_are_related(con: duckdb.DuckDBPyConnection) -> None:
    baskets = [("x", "y")] * 8 + [("x", "z")] * 2 + [("y", "z")] * 8 + [("z", "w")]
    make_shop(
        con,
        events=[event("u", item, 1, f"o{place}") for place, basket in enumerate(baskets) for item in basket],
    )
    found = {
        (row["item_id"], row["other_id"]): row["weight"]
        for row in records(con, "FROM item_relations WHERE relation = 'bought_together'")
    }
    # x is in 10 baskets, y in 16, z in 11; x and z share only 2, and w is in only 1
    assert found == {
        ("x", "y"): pytest.approx(8 / 160**0.5),
        ("y", "x"): pytest.approx(8 / 160**0.5),
        ("y", "z"): pytest.approx(8 / 176**0.5),
        ("z", "y"): pytest.approx(8 / 176**0.5),
    }


def test_groups_relate_each_item_to_their_most_bought(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[event("u", "i3", 1), event("u", "i3", 2), event("u", "i5", 3)],
        items=[{"item_id": f"i{number}", "category": "A", "brand": "B"} for number in range(30)]
        + [{"item_id": "lonely"}],
    )
    rows = records(con, "FROM item_relations")
    assert {row["relation"] for row in rows} == {"same_category", "same_brand"}
    assert max(con.execute("SELECT count(*) FROM item_relations GROUP BY item_id, relation").fetchall()) <= (
        10,
    )
    best = con.execute(
        "SELECT other_id, weight FROM item_relations WHERE item_id = 'i29' AND relation = 'same_category' "
        "ORDER BY weight DESC LIMIT 2"
    ).fetchall()
    assert best == [("i3", 1.0), ("i5", 0.5)]
    assert all(row["item_id"] != row["other_id"] and 0 < row["weight"] <= 1 for row in rows)


def test_sequences_hold_the_last_200_in_order(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[
            event("u", f"i{minute:03}", 1, event_time=f"2020-01-01 {minute // 60:02}:{minute % 60:02}:00")
            for minute in range(250)
        ],
    )
    (row,) = records(con, "FROM user_sequences")
    assert row["items"] == [f"i{minute:03}" for minute in range(50, 250)]
    assert row["times"] == sorted(row["times"])
    assert (len(row["behaviours"]), row["length"]) == (200, 200)
