"""Events that the service took, beside those of the shop's files: what both tell counts once, as the files tell it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.shop.shop_rules import SourceError
from recsys_assets.shop.source_settings import SourceSettings, read_settings
from recsys_assets.sql import load_named_query, parameters_of
from tests.examples import examples
from tests.sql.shop import EVENT, PARAMETERS, write_raw

START = datetime(2020, 1, 10)
CHECKED = load_named_query("clean", "checked_events")
ALSO = "event that the files have too"
DEEDS = st.tuples(
    st.sampled_from(["u1", "u2"]), st.sampled_from(["i1", "i2"]), st.sampled_from(["view", "purchase"]),
    st.integers(0, 96),
)  # fmt: skip


def row(deed: tuple[str, str, str, int], **more: Any) -> dict[str, Any]:
    user, item, behaviour, hour = deed
    moment = START + timedelta(hours=hour)
    return {
        **EVENT,
        "event_time": str(moment),
        "user_id": user,
        "item_id": item,
        "behaviour": behaviour,
        **more,
    }


def told(number: int, deed: tuple[str, str, str, int], **more: Any) -> dict[str, Any]:
    place = {"_file": "feedback/events-1.jsonl", "_line": number, "_event_id": f"e{number}"}
    return row(deed, **place, order_id=None, quantity=None, unit_price=None, **more)


def made(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Accepted and rejected events."""
    with duckdb.connect(config={"threads": 1}) as connection:
        write_raw(connection, "raw_events", rows)
        checked = (
            connection.sql(CHECKED, params=parameters_of(CHECKED, PARAMETERS)).to_arrow_table().to_pylist()
        )
    checked.sort(key=lambda each: (each["_file"], each["_line"]))
    return [each for each in checked if not each["reason"]], [each for each in checked if each["reason"]]


@settings(max_examples=examples(6), deadline=None)
@given(own=st.lists(DEEDS, max_size=5, unique=True), seen=st.lists(DEEDS, max_size=5))
def test_what_the_files_tell_within_a_day_counts_once(
    own: list[tuple[str, str, str, int]], seen: list[tuple[str, str, str, int]]
) -> None:
    files = [row(deed, _row_hash=place, _line=place) for place, deed in enumerate(own, 2)]
    accepted, rejected = made([*files, *(told(number, deed) for number, deed in enumerate(seen, 1))])
    assert len(accepted) + len(rejected) == len(own) + len(seen)
    joined = {each["_line"] for each in accepted if each["_file"] != "a.csv"}
    assert joined == {
        number
        for number, (*what, hour) in enumerate(seen, 1)
        if not any([*other] == what and abs(hour - other_hour) <= 24 for *other, other_hour in own)
    }
    assert {each["reason"] for each in rejected} <= {ALSO}


def test_an_event_that_both_tell_says_where_the_files_have_it() -> None:
    deed = ("u1", "i1", "purchase", 30)
    _, (refused,) = made([row(deed), told(7, ("u1", "i1", "purchase", 53))])
    assert (refused["reason"], refused["detail"]) == (ALSO, "the same as a.csv:2, within a day")
    assert (refused["_file"], refused["_line"]) == ("feedback/events-1.jsonl", 7)


def test_two_events_of_one_moment_are_two_and_a_return_takes_back_what_the_files_tell() -> None:
    deed = ("u1", "i1", "purchase", 30)
    accepted, rejected = made([told(1, deed), told(2, deed)])
    assert len(accepted) == 2 and not rejected
    back = row(("u1", "i1", "purchase", 60), quantity="-1")
    accepted, rejected = made([row(deed), told(7, deed), {**back, "_line": 9}])
    assert [(each["_file"], each["returned_quantity"]) for each in accepted] == [("a.csv", 1)]
    assert {each["reason"] for each in rejected} == {ALSO, "return of a purchase"}


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("", {"view": "view", "cart": "cart", "purchase": "purchase"}),
        ('target_behaviour = "order"', {"view": "view", "cart": "cart", "purchase": "order"}),
        ("undated = true", {}),
        ('default_behaviour = "interaction"', {}),
        (
            'default_behaviour = "interaction"\nservice_events = {view = "interaction"}',
            {"view": "interaction"},
        ),
        ("service_events = {}", {}),
        ('undated = true\nservice_events = {rating = "rating"}', {"rating": "rating"}),
    ],
)
def test_which_events_join(text: str, joined: dict[str, str], tmp_path: Any) -> None:
    (tmp_path / "source.toml").write_text(text)
    assert read_settings(tmp_path / "source.toml").joined_events() == joined


@pytest.mark.parametrize(
    ("value", "message"),
    [("['view']", "a table of texts"), ("{vieww = 'view'}", "Did you mean 'view'"), ("{view = 3}", "a table of texts"),
     ("{exposure = 'view'}", "no action of an event")],
)  # fmt: skip
def test_what_cannot_join_is_an_error(value: str, message: str, tmp_path: Any) -> None:
    (tmp_path / "source.toml").write_text(f"service_events = {value}")
    with pytest.raises(SourceError, match=message):
        read_settings(tmp_path / "source.toml")
    assert SourceSettings().service_events is None
