"""Played customers look at places with the known bias, and take to what they bought."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.service.feedback.log_reader import read_log
from recsys_assets.service.simulation import (
    BUYS_TRUE,
    CLICKS_TRUE,
    ServiceClient,
    SimulationError,
    done,
    misspelt,
    queries,
    simulate,
    view_probability,
)
from tests.service.running import PATIENCE, served
from tests.service.small_shop import ITEMS, USERS, build, lake_of

TRUTH = {
    f"customer-{user}": frozenset(f"item-{item}" for item in range(0, ITEMS, 2)) for user in range(USERS)
}


def test_places_are_clicked_and_bought_from_as_the_known_bias_says() -> None:
    answer = {
        "query_id": "q", "model_version": 0, "arm": "control",
        "items": [{"item": f"i{place}", "position": place, "propensity": 1.0} for place in range(1, 6)],
    }  # fmt: skip
    bought = frozenset(f"i{place}" for place in range(1, 6))
    luck, times = Random(1), 4000
    events = [event for _ in range(times) for event in done(answer, "u", bought, luck)]
    for place in range(1, 6):
        of_place = [event["action_name"] for event in events if event["position"] == place]
        assert of_place.count("view") / times == pytest.approx(
            CLICKS_TRUE * view_probability(place), abs=0.03
        )
        assert of_place.count("purchase") / times == pytest.approx(
            CLICKS_TRUE * BUYS_TRUE * view_probability(place), abs=0.03
        )


ARMS = """
[[experiment]]
name = "nothing"
metric = "conversion"
arms = [{ name = "one" }, { name = "other" }]
"""


def test_what_is_played_is_in_the_service_s_files_and_comes_again_with_its_seed(home: Path) -> None:
    (home / "experiments.toml").write_text(ARMS)
    with served(home) as (customer, _):
        service = ServiceClient(f"http://127.0.0.1:{customer.port}")
        service.wait(PATIENCE, experiment=True)  # which leaves no exposure
        found = simulate(TRUTH, service, customers=30, k=5, seed=3)
    shown = list(read_log(home / "feedback", "exposures"))
    sent = list(read_log(home / "feedback", "events"))
    assert found.answers == 30 == len(shown)
    assert found.clicks == sum(event["action_name"] == "view" for event in sent) > 0
    assert found.purchases == sum(event["action_name"] == "purchase" for event in sent) > 0
    lists = {line["query_id"]: line["object_ids"] for line in shown}
    assert all(event["simulated"] for event in sent)
    for event in sent:
        assert lists[event["query_id"]][event["position"] - 1] == event["object_id"]
        assert event["action_name"] == "view" or event["object_id"] in TRUTH[event["user"]]


@given(query=st.from_regex(r"[a-zäö]{1,12}( [a-z0-9]{1,9}){0,3}", fullmatch=True))
def test_misspelling_changes_over_two_letters_of_one_word_and_nothing_else(query: str) -> None:
    wrong = misspelt(query)
    assert wrong == misspelt(query) and sorted(wrong) == sorted(query)
    differ = [at for at, (one, other) in enumerate(zip(query, wrong, strict=True)) if one != other]
    assert not differ or differ == [differ[0], differ[0] + 1]


def test_what_is_looked_for_is_found_misspelt_too_and_fills_the_report(home: Path) -> None:
    lake = lake_of(home)
    typed = queries(lake)
    assert typed["item-7"] == "thing 7" and len(typed) == ITEMS
    words = {item: f"{query} thingamajig" for item, query in typed.items()}  # long enough to be misspelt
    with served(home) as (customer, _):
        service = ServiceClient(f"http://127.0.0.1:{customer.port}")
        service.wait(10)
        found = simulate(TRUTH, service, customers=40, k=5, seed=3, queries=words)
    lines = list(read_log(home / "feedback", "searches"))
    assert found.searches == len(lines) and 10 <= len(lines) <= 30
    wrong = [line for line in lines if line["query"] not in words.values()]
    assert 0 < len(wrong) < len(lines) / 2 and {misspelt(each) for each in words.values()} >= {
        line["query"] for line in wrong
    }
    shown = {line["query_id"]: line for line in lines}
    taken = [event for event in read_log(home / "feedback", "events") if event["query_id"] in shown]
    assert taken and all(event["simulated"] for event in taken)
    for event in taken:
        assert shown[event["query_id"]]["object_ids"][event["position"] - 1] == event["object_id"]


def test_a_service_that_is_not_there_is_told() -> None:
    with pytest.raises(SimulationError, match="No service answers"):
        ServiceClient("http://127.0.0.1:9").wait(0)


def test_nobody_is_played_to_the_service_of_another_home(home: Path, tmp_path: Path) -> None:
    other = build(tmp_path / "other")
    with served(home) as (customer, _):
        service = ServiceClient(f"http://127.0.0.1:{customer.port}")
        service.require_home(lake_of(home))
        with pytest.raises(SimulationError, match="another home"):
            service.require_home(lake_of(other))
