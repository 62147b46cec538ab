"""What units were shown and did: events after the first answer, to whoever got the answer."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.experiment import Experiment
from recsys_assets.experiments.units import experiment_units, with_past

BOTH = Experiment.model_validate({"name": "both", "arms": [{"name": "control"}, {"name": "other"}]})
START = datetime(2026, 5, 1)
_COMMON = {
    "day": pl.Date, "time": pl.Datetime("us"), "query_id": pl.String, "user_id": pl.String, "client_id": pl.String,
    "item_id": pl.String, "position": pl.Int64,
}  # fmt: skip
EXPOSURES = {**_COMMON, "experiments": pl.String}
FEEDBACK = {**_COMMON, "action": pl.String, "value": pl.Float64}
"""Columns of the two tables that are judged by."""


def frame(rows: list[dict[str, Any]], columns: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=columns)


def shown(
    query: str, second: int, user: str | None, arm: str, *items: str, client: str | None = None
) -> list[Any]:
    moment = START + timedelta(seconds=second)
    return [
        {"day": moment.date(), "time": moment, "query_id": query, "user_id": user, "client_id": client,
         "experiments": f'{{"both": "{arm}"}}', "item_id": item, "position": place}
        for place, item in enumerate(items, 1)
    ]  # fmt: skip


def did(second: int, action: str, item: str, **of: Any) -> dict[str, Any]:
    moment = START + timedelta(seconds=second)
    known = {"user_id": of.get("user"), "client_id": of.get("client"), "query_id": of.get("query")}
    return {
        "day": moment.date(),
        "time": moment,
        "action": action,
        "item_id": item,
        "value": of.get("value"),
        **known,
    }


def units(
    exposures: list[Any], feedback: list[Any], experiment: Experiment = BOTH
) -> dict[str, dict[str, Any]]:
    prices = pl.DataFrame({"item_id": ["c"], "price": [2.5]})
    found = experiment_units(frame(exposures, EXPOSURES), frame(feedback, FEEDBACK), prices, experiment)
    return {row["unit"]: row for row in found.iter_rows(named=True)}


def test_a_unit_is_what_it_was_shown_and_did_from_then_on() -> None:
    exposures = [
        *shown("q1", 10, "ann", "control", "a", "b"),
        *shown("q2", 20, "ann", "control", "c"),
        *shown("q3", 15, "bob", "other", "a"),
        *shown("q4", 16, None, "other", "a", client="tab"),
    ]
    feedback = [
        did(5, "purchase", "a", user="ann"),  # before anything was shown
        did(11, "view", "b", user="ann", query="q1"),
        did(12, "cart", "b", user="ann", query="q1"),  # was taken to already
        did(13, "view", "z", user="ann", query="q1"),  # was not in it
        did(30, "purchase", "c", user="ann"),
        did(31, "rating", "c", user="ann", value=4.0),
        did(40, "cart", "a", query="q4"),
        did(41, "purchase", "a", user="cleo"),  # was shown nothing
    ]
    found = units(exposures, feedback)
    ann = found["user:ann"]
    assert (ann["arm"], ann["exposures"], ann["clicks"], ann["purchases"]) == ("control", 3, 1, 1)
    assert (ann["converted"], ann["revenue"], ann["ratings"], ann["rating_sum"]) == (1, 2.5, 1, 4.0)
    assert (found["user:bob"]["purchases"], found["user:bob"]["clicks"]) == (0, 0)
    assert found["client:tab"]["clicks"] == 1 and set(found) == {"user:ann", "user:bob", "client:tab"}


def test_a_unit_of_two_arms_is_left_out() -> None:
    assert units([*shown("q1", 1, "ann", "control", "a"), *shown("q2", 2, "ann", "other", "a")], []) == {}


def test_a_customer_is_no_client_of_the_same_name() -> None:
    exposures = [*shown("q1", 1, "x", "control", "a"), *shown("q2", 1, None, "other", "a", client="x")]
    found = units(exposures, [did(2, "purchase", "a", client="x")])
    assert (found["user:x"]["purchases"], found["client:x"]["purchases"]) == (0, 1)


@pytest.mark.parametrize(("unit", "count"), [("customer", 1), ("session", 2)])
def test_the_experiment_says_what_a_unit_is(unit: str, count: int) -> None:
    exposures = [row for n in range(2) for row in shown(f"q{n}", n, "ann", "control", "a", client=f"tab{n}")]
    assert len(units(exposures, [], BOTH.model_copy(update={"unit": unit}))) == count


LINES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.sampled_from("ab")), max_size=12)
ACTS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 40), st.sampled_from("ab"), st.integers(0, 6)), max_size=12
)


@given(LINES, ACTS, st.randoms(use_true_random=False))
def test_counts_are_those_of_the_lines_in_any_order(lines: Any, acts: Any, shuffle: random.Random) -> None:
    exposures = [
        row
        for n, (user, second, item) in enumerate(lines)
        for row in shown(f"q{n}", second, f"u{user}", "control" if user % 2 else "other", item)
    ]
    feedback = [
        did(second, ("view", "purchase")[act % 2], item, user=f"u{act % 4}", query=f"q{query}")
        for query, second, item, act in acts
    ]
    once = units(exposures, feedback)
    owner = {row["query_id"]: row["user_id"] for row in exposures}
    for unit, row in once.items():
        user = unit.removeprefix("user:")
        mine = [each for each in feedback if owner.get(each["query_id"], each["user_id"]) == user]
        bought = [
            each for each in mine if each["action"] == "purchase" and each["time"] >= row["first_shown"]
        ]
        assert row["exposures"] == sum(each == user for each in owner.values())
        assert (row["purchases"], row["converted"]) == (len(bought), bool(bought))
    mixed = [*exposures], [*feedback]
    for rows in mixed:
        shuffle.shuffle(rows)
    assert units(*mixed) == once


def test_the_past_of_newcomers_is_nothing() -> None:
    found = experiment_units(
        frame([*shown("q1", 1, "ann", "control", "a"), *shown("q2", 1, "bob", "other", "a")], EXPOSURES),
        frame([], FEEDBACK),
        pl.DataFrame({"item_id": [], "price": []}, schema={"item_id": pl.String, "price": pl.Float64}),
        BOTH,
    )
    past = pl.DataFrame(
        {
            "user_id": ["bob", "bob", "eve"],
            "time": [START - timedelta(1), START + timedelta(1), START],
            "amount": [5.0, 3.0, 9.0],
        }
    )
    told = with_past(found, past).select("user_id", "baskets_before", "spent_before").sort("user_id")
    assert told.rows() == [("ann", 0, 0.0), ("bob", 1, 5.0)]


def test_without_prices_there_is_no_revenue() -> None:
    exposures = frame(shown("q1", 1, "ann", "control", "a"), EXPOSURES)
    for price, known in ((0.0, False), (2.0, True)):
        prices = pl.DataFrame({"item_id": ["a"], "price": [price]})
        assert ("revenue" in experiment_units(exposures, frame([], FEEDBACK), prices, BOTH).columns) is known
