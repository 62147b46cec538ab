"""How interactions are divided, and which behaviour is the target."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.clean.events import NO_CROWD, behaviours_are_known, no_skipped_hour
from recsys_assets.assets.features.item_profiles import ITEMS_JOIN
from recsys_assets.assets.features.user_profiles import USERS_JOIN
from recsys_assets.assets.id_checks import no_alike_ids, no_scientific_ids
from recsys_assets.assets.model.split import divided_by_weeks, every_subset_has_rows, target_occurs
from recsys_assets.shop.alike_ids import alike_ids
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from tests.examples import examples
from tests.sql.shop import EVENT, make_shop, make_tables, write_raw

FIRST = datetime(2020, 1, 1, 9)


class Asked:
    """The inputs of a check: a table as its output, and the others by their names."""

    def __init__(self, con: duckdb.DuckDBPyConnection, table: str) -> None:
        con.execute(f"CREATE OR REPLACE TEMP VIEW {OUTPUT} AS FROM {table}").fetchall()
        self.con = con

    def query(self, sql: str, parameters: dict[str, Any] | None = None):
        return self.con.sql(sql, params=parameters or {}).pl()

    def shared_values(self, relation: str, column: str, person: str) -> dict[str, int]:
        return dict(
            self.query(f"SELECT {column}, count(DISTINCT {person}) FROM {relation} GROUP BY 1").iter_rows()
        )


def outcome(con: duckdb.DuckDBPyConnection, check: TableCheck, table: str) -> tuple[bool, str]:
    asked = Asked(con, table)
    if check.function is None:
        rows = asked.query(f"SELECT count(*) FROM ({check.sql})").item()
        return rows == 0, str(rows)
    found = check.function(asked)  # type: ignore[arg-type]
    return found.passed, found.found


def on(days: list[float], **more: str) -> list[dict[str, Any]]:
    moments = [FIRST + timedelta(days=day) for day in days]
    return [
        {**EVENT, "event_time": str(moment), "order_id": str(n), **more} for n, moment in enumerate(moments)
    ]


@settings(max_examples=examples(10), deadline=None)
@given(st.sets(st.integers(0, 90), min_size=3, max_size=12), st.integers(1, 4))
def test_any_three_days_are_divided_in_order(days: set[int], weeks: int) -> None:
    con = duckdb.connect(config={"threads": 1})
    make_shop(con, events=on([float(day) for day in days]), holdout_weeks=weeks, without=["rejected_rows"])
    found = con.execute("SELECT subset, first_time, last_time FROM split ORDER BY first_time").fetchall()
    assert [subset for subset, *_ in found] == ["train", "valid", "test"]
    assert all(one[2] < other[1] for one, other in pairwise(found))
    newest = FIRST + timedelta(days=max(days))
    by_weeks = [
        sum(FIRST + timedelta(days=day) <= newest - timedelta(weeks=2 * weeks) for day in days),
        sum(
            newest - timedelta(weeks=2 * weeks)
            < FIRST + timedelta(days=day)
            <= newest - timedelta(weeks=weeks)
            for day in days
        ),
    ]
    passed, words = outcome(con, divided_by_weeks(weeks), "split")
    assert passed == all(by_weeks)
    assert ("divided by weeks" if passed else "divided by days") in words
    if passed:
        assert found[2][1] > newest - timedelta(weeks=weeks) >= found[1][2]


def test_moments_of_a_single_day_are_divided_too(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=on([hour / 24 for hour in range(8)]))
    found = dict(con.execute("SELECT subset, count FROM split").fetchall())
    assert found == {"train": 4, "valid": 2, "test": 2}
    make_shop(con, events=on([0, 0.1]))
    passed = every_subset_has_rows(Asked(con, "split"))  # type: ignore[arg-type]
    assert not passed.passed and "nothing for" in passed.found


SHOP = [*on([0, 30, 60], behaviour="view"), *on([1, 31, 61], behaviour="cart", item_id="j"),
        *on([2, 32, 62], behaviour="purchase", item_id="k")]  # fmt: skip


@pytest.mark.parametrize(
    ("left_out", "asked", "target"),
    [
        ((), None, "purchase"),
        (("purchase",), None, "cart"),
        ((), "view", "view"),
        (("purchase", "cart"), None, "view"),
        ((), "purchse", "purchase"),
    ],
)
def test_the_target_is_what_is_asked_for_or_the_furthest_step(con, left_out, asked, target: str) -> None:
    make_shop(con, events=[row for row in SHOP if row["behaviour"] not in left_out], target_behaviour=asked)
    assert con.execute("SELECT DISTINCT behaviour FROM split WHERE is_target").fetchall() == [(target,)]
    passed, words = outcome(con, target_occurs(asked), "split")
    if asked == "purchse":
        assert not passed and "view 3" in words and "Did you mean 'purchase'?" in words
    else:
        assert passed and f"the target is {target}" in words


def test_unknown_behaviours_are_shown_with_counts_and_what_was_meant(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[*SHOP, *on([5, 6], behaviour="Purchse"), *on([7], behaviour="stream")])
    passed, words = outcome(con, behaviours_are_known(()), "events")
    assert not passed
    assert "purchse 2, stream 1" in words and "view 3" in words and "Did you mean 'purchase'?" in words
    passed, words = outcome(con, behaviours_are_known(("purchse", "stream")), "events")
    assert passed and "cart 3" in words


def test_ids_that_a_spreadsheet_cut_are_warned_of(con: duckdb.DuckDBPyConnection) -> None:
    ids = ["4.00638E+12", "1e+20", "E+12", "4E12", "12E5", "sku-1E+2"]
    make_shop(con, events=[{**EVENT, "item_id": item} for item in ids])
    assert outcome(con, no_scientific_ids("user_id", "item_id"), "events") == (False, "2")
    assert outcome(con, no_scientific_ids("user_id"), "events")[0]


@pytest.mark.parametrize(("crowd", "others", "passes"), [(60, 120, False), (60, 99, True), (5, 120, True)])
def test_guests_who_share_an_id_are_warned_of(
    con: duckdb.DuckDBPyConnection, crowd: int, others: int, passes: bool
) -> None:
    users = ["guest"] * crowd + [f"u{n}" for n in range(others - 1)]
    make_shop(con, events=[{**EVENT, "user_id": user, "order_id": f"{n}"} for n, user in enumerate(users)])
    assert outcome(con, NO_CROWD, "events")[0] is passes


def test_ids_that_never_join_are_warned_of(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[EVENT], users=[{"user_id": "U"}], items=[{"item_id": "I"}])
    assert outcome(con, ITEMS_JOIN, "item_profiles") == (False, "1")
    assert outcome(con, USERS_JOIN, "user_profiles") == (False, "1")
    for users, items in (([], []), ([{"user_id": "u"}], [{"item_id": "i"}, {"item_id": "new"}])):
        write_raw(con, "raw_users", users)
        write_raw(con, "raw_items", items)
        make_tables(con)
        assert outcome(con, ITEMS_JOIN, "item_profiles")[0]
        assert outcome(con, USERS_JOIN, "user_profiles")[0]


@pytest.mark.parametrize(("one", "other", "passes"), [
    ("Ann@x.org", "ann@x.org", False), ("85123A", "85123a", False), ("007", "7", False),
    ("\u0410\u0421-1", "ac-1", False),
    ("\uff110\uff13", "103", False), ("70", "7", True), ("a-7", "a7", True), ("0", "00", False), ("a", "b", True),
])  # fmt: skip
def test_ids_in_several_ways_are_warned_of(
    con: duckdb.DuckDBPyConnection, one: str, other: str, passes: bool
) -> None:
    make_shop(
        con, events=[{**EVENT, "user_id": one, "item_id": other}, {**EVENT, "user_id": other, "item_id": one}]
    )
    for column, table in (("user_id", "user_profiles"), ("item_id", "item_profiles")):
        assert outcome(con, no_alike_ids(column), table)[0] is passes
    assert bool(alike_ids([one, other])) is not passes


def test_times_that_the_clock_skips_are_warned_of(con: duckdb.DuckDBPyConnection) -> None:
    times = ["2024-03-31 02:30:00", "2024-03-31 03:30:00", "2024-10-27 02:30:00"]
    make_shop(con, events=[{**EVENT, "event_time": time} for time in times], time_zone="Europe/Berlin")
    assert outcome(con, no_skipped_hour("Europe/Berlin"), "events") == (False, "1")
