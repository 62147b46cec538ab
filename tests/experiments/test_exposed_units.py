"""What units were shown and did: events after the first answer, once each, to whoever got the answer."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.experiment import Experiment
from recsys_assets.experiments.exposed_units import clicks_by_position, exposed_units, with_past

DAY = 86_400_000_000
BOTH = Experiment.model_validate({"name": "both", "arms": [{"name": "control"}, {"name": "other"}]})


def shown(query: str, time: int, user: str | None, arm: str, *items: str, **more: Any) -> dict[str, Any]:
    return {
        "query_id": query, "time": time, "user": user, "client_id": None,
        "experiments": {"both": arm}, "object_ids": list(items), **more,
    }  # fmt: skip


def did(number: int, time: int, action: str, item: str, **of: Any) -> dict[str, Any]:
    return {"event_id": f"e{number}", "time": time, "action_name": action, "object_id": item, **of}


def table(
    exposures: list[dict[str, Any]], events: list[dict[str, Any]], **more: Any
) -> dict[str, dict[str, Any]]:
    found = exposed_units(exposures, events, BOTH, **more).table
    return {row["unit"]: row for row in found.iter_rows(named=True)}


def test_a_unit_is_what_it_was_shown_and_did_from_then_on() -> None:
    exposures = [
        shown("q1", 10, "ann", "control", "a", "b"),
        shown("q2", 20, "ann", "control", "c"),
        shown("q3", 15, "bob", "other", "a"),
        shown("q4", 16, None, "other", "a", client_id="tab"),
    ]
    events = [
        did(1, 5, "purchase", "a", user="ann"),  # before anything was shown
        did(2, 11, "view", "b", user="ann", query_id="q1"),
        did(3, 12, "view", "a", user="ann", query_id="q1"),  # the same answer is taken to once
        did(4, 13, "view", "z", user="ann", query_id="q1"),  # was not in it
        did(5, 30, "purchase", "c", user="ann"),
        did(5, 30, "purchase", "c", user="ann"),  # sent again
        did(6, 31, "rating", "c", user="ann", value=4.0),
        did(7, 40, "cart", "a", query_id="q4"),
        did(8, 41, "purchase", "a", user="cleo"),  # was shown nothing
    ]
    found = table(exposures, events, prices={"c": 2.5})
    ann = found["user:ann"]
    assert (ann["arm"], ann["exposures"], ann["clicks"], ann["purchases"]) == ("control", 2, 1, 1)
    assert (ann["converted"], ann["revenue"], ann["ratings"], ann["rating_sum"]) == (True, 2.5, 1, 4.0)
    assert (found["user:bob"]["purchases"], found["user:bob"]["clicks"]) == (0, 0)
    assert found["client:tab"]["clicks"] == 1 and set(found) == {"user:ann", "user:bob", "client:tab"}


def test_a_unit_of_two_arms_is_left_out_and_told() -> None:
    exposures = [shown("q1", 1, "ann", "control", "a"), shown("q2", 2, "ann", "other", "a")]
    found = exposed_units(exposures, [], BOTH)
    assert (found.table.height, found.in_two_arms) == (0, 1)


def test_a_customer_is_no_client_of_the_same_name() -> None:
    exposures = [shown("q1", 1, "x", "control", "a"), shown("q2", 1, None, "other", "a", client_id="x")]
    found = table(exposures, [did(1, 2, "purchase", "a", client_id="x")])
    assert (found["user:x"]["purchases"], found["client:x"]["purchases"]) == (0, 1)


@pytest.mark.parametrize(("unit", "units"), [("customer", 1), ("session", 2)])
def test_the_experiment_says_what_a_unit_is(unit: str, units: int) -> None:
    exposures = [shown(f"q{n}", n, "ann", "control", "a", client_id=f"tab{n}") for n in range(2)]
    assert exposed_units(exposures, [], BOTH.model_copy(update={"unit": unit})).table.height == units


LINES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.sampled_from("ab")), max_size=12)


@given(
    LINES,
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 40), st.sampled_from("ab"), st.integers(0, 6)),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_lines_and_copies_of_events_change_nothing(
    lines: Any, acts: Any, shuffle: random.Random
) -> None:
    exposures = [
        shown(f"q{n}", time, f"u{user}", "control" if user % 2 else "other", item)
        for n, (user, time, item) in enumerate(lines)
    ]
    events = [
        did(n, time, ("view", "purchase")[act % 2], item, user=f"u{act % 4}", query_id=f"q{query}")
        for n, (query, time, item, act) in enumerate(acts)
    ]
    once = table(exposures, events)
    mixed = [*exposures], [*events, *events]
    for each in mixed:
        shuffle.shuffle(each)
    assert table(*mixed) == once
    for unit, row in once.items():
        of = {f"q{n}" for n, (user, _, _) in enumerate(lines) if f"user:u{user}" == unit}
        mine = [
            e
            for e in events
            if e["query_id"] in of
            or (e["query_id"] not in {x["query_id"] for x in exposures} and f"user:{e['user']}" == unit)
        ]
        bought = [e for e in mine if e["action_name"] == "purchase" and e["time"] >= row["first_shown"]]
        assert (row["exposures"], row["purchases"]) == (len(of), len(bought))


def test_the_past_of_newcomers_is_nothing() -> None:
    units = exposed_units(
        [shown("q1", 1, "ann", "control", "a"), shown("q2", 1, "bob", "other", "a")], [], BOTH
    )
    past = pl.DataFrame({"user": ["bob", "eve"], "baskets_before": [2.0, 9.0], "spent_before": [5.0, 9.0]})
    found = with_past(units.table, past)
    assert found.select("user", "baskets_before", "spent_before").rows() == [
        ("ann", 0.0, 0.0),
        ("bob", 2.0, 5.0),
    ]


def test_clicks_by_position() -> None:
    exposures = [shown("q1", 1, "ann", "control", "a", "b"), shown("q2", 1, "bob", "other", "b")]
    events = [
        did(1, 2, "view", "b", query_id="q1"),
        did(2, 3, "purchase", "b", query_id="q1"),
        did(3, 3, "view", "a", query_id="q9"),
    ]
    assert clicks_by_position(exposures, events).rows() == [(1, 2, 0, 0.0), (2, 1, 1, 1.0)]
    assert clicks_by_position([], []).is_empty()
