"""Two arms share each list: by the rules, written down with their credits, and reported."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_assets.service.feedback.feedback_log import closed_files
from recsys_assets.service.request_handler import RequestHandler
from recsys_assets.service.service_files import ServiceFiles
from tests.service.running import served, until
from tests.service.small_shop import USERS, lake_of, train
from tests.service.test_feedback_assets import made, told

EXPERIMENT = """
[[experiment]]
name = "ranking"
kind = "interleaving"
planned_units = 100
[[experiment.arms]]
name = "neighbours"
[[experiment.arms]]
name = "popular"
family = "popularity"
"""
RULES = """
[[pin]]
item = "item-47"
position = 3
[[at_most]]
n = 2
[[at_most]]
column = "brand"
n = 3
[exploration]
share = 0.5
"""
BOTH = "interleaved:ranking"


@pytest.fixture
def shared(home: Path) -> Path:
    """A home with an experiment that interleaves."""
    train(home, "popularity", table="candidate_popularity")
    (home / "experiments.toml").write_text(EXPERIMENT)
    return home


def test_both_arms_pick_and_every_item_says_whose_it_is(shared: Path) -> None:
    with served(shared) as (customer, _):
        answers = [
            customer.list_of(f"customer-{user}", k=6, explain=True).json
            for user in range(USERS)
            for _ in range(2)
        ]
        status = customer.ask("GET", "/status").json["experiments"][0]
    assert (status["kind"], status["metric"]) == ("interleaving", "clicks")
    credits = Counter(item["credit"] for answer in answers for item in answer["items"])
    assert credits == {"neighbours": 6 * USERS, "popular": 6 * USERS}, "an even list has three of each"
    firsts = Counter(answer["items"][0]["credit"] for answer in answers)
    assert min(firsts.values()) > 30, "a coin says who begins"
    for answer in answers:
        assert answer["arm"] == BOTH and answer["experiments"] == {"ranking": BOTH}
        assert answer["interleaved"]["popular"]["table"] == "candidate_popularity"
        items = [each["item"] for each in answer["items"]]
        assert len(set(items)) == 6 and all(each["reason"] for each in answer["items"])
        assert all(0.25 <= each["propensity"] <= 1 for each in answer["items"])


def test_every_rule_holds_for_the_whole_list(shared: Path) -> None:
    (shared / "rules.toml").write_text(RULES)
    profiles = {row["item_id"]: row for row in _rows(shared, "item_profiles")}
    bought = {(row["user_id"], row["item_id"]) for row in _rows(shared, "split") if row["is_target"]}
    drawn: list[dict[str, Any]] = []
    with served(shared) as (customer, _):
        for user in range(USERS):
            answer = customer.list_of(f"customer-{user}", k=6, exclude="item-3", explain=True).json["items"]
            items = [each["item"] for each in answer]
            drawn += [each for each in answer if each["placed_by"] == "explored"]
            assert len(set(items)) == 6 and "item-3" not in items
            for column, most in (("category", 2), ("brand", 3)):
                values = Counter(profiles[item][column] for item in items)
                assert max(n for value, n in values.items() if value is not None) <= most
            assert not {(f"customer-{user}", item) for item in items} & bought
            if (f"customer-{user}", "item-47") not in bought:
                assert items[2] == "item-47" and answer[2]["credit"] is None
    assert 0.35 < len(drawn) / (5 * USERS) < 0.65, "half of the places that are not pinned are explored"
    assert all(each["credit"] is None and 0 < each["propensity"] < 1 for each in drawn)


def _rows(home: Path, table: str) -> list[dict[str, Any]]:
    lake = lake_of(home)
    return lake.scan(lake.version(table)).collect().to_dicts()


@pytest.mark.slow
def test_what_is_clicked_decides(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(shared) as (customer, _):
        for user in range(USERS):
            answer = customer.list_of(f"customer-{user}", k=6).json
            for each in answer["items"]:
                if int(each["item"][5:]) % 6 == user % 6:  # from the shelf that they buy from
                    event = {
                        "event_id": f"{user}-{each['item']}", "action_name": "view", "object_id": each["item"],
                        "query_id": answer["query_id"], "user": f"customer-{user}", "arm": BOTH,
                    }  # fmt: skip
                    assert customer.tell(event).status == 200
    line = json.loads(
        closed_files(ServiceFiles(shared).feedback, "exposures")[0].read_bytes().splitlines()[0]
    )
    assert set(line["credits"]) == set(line["sources"]) == {"neighbours", "popular"}
    outcomes = made(shared)
    assert all(outcome.error is None for outcome in outcomes.values())
    shown = pl.DataFrame(_rows(shared, "exposures"))
    models = shown.group_by("credit").agg(pl.col("model_table").unique()).rows()
    assert sorted(models) == [("neighbours", ["champion"]), ("popular", ["candidate_popularity"])]
    (experiment,) = json.loads(told(shared, monkeypatch, "--json"))["experiments"]
    wins = {row["arm"]: row for row in experiment["rows"] if row["metric"] == "wins"}
    assert wins["popular"]["verdict"] == "worse" and experiment["decision"].startswith("Stop popular: it won")


def test_in_a_rush_the_champion_answers_alone_and_nobody_is_credited(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestHandler, "most_waiting", 0)
    with served(shared) as (customer, service):
        service.handler.most_waiting = 0
        answer = customer.list_of("customer-1", k=4).json
    assert answer["degraded"] and answer["experiments"] == {} and answer["arm"] == "control"
    assert "interleaved" not in answer and "credit" not in answer["items"][0]


def test_one_experiment_at_a_time_interleaves(shared: Path) -> None:
    second = EXPERIMENT.replace('"ranking"', '"again"').replace('family = "popularity"', "")
    with served(shared) as (customer, _):
        (shared / "experiments.toml").write_text(EXPERIMENT + second)
        until(lambda: customer.ready()["problems"], "it says so")
        assert "change the same answers" in customer.ready()["problems"][0]
