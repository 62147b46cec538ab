"""A candidate answers a share of the customers, always the same; a newer version is promoted; both are recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from recsys_assets.service.champions import DecisionError, roll_back, serving_version, set_canary
from recsys_lineage.records.records import Records
from tests.service.running import served, until
from tests.service.small_shop import lake_of, train
from tests.service.test_answers import event
from tests.service.test_rotation import EXPERIMENT, break_champion

ARM = "canary:popularity"


def test_a_canary_answers_its_share_and_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = train(home, "popularity", table="candidate_popularity")
    monkeypatch.setenv("RECSYS_HOME", str(home))
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm="version = 0"))

    def decide(share: str) -> None:
        command = [
            "champion",
            "canary",
            "popularity",
            share,
            "--who",
            "ann",
            "--why",
            "looks better",
            "--json",
        ]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert (
            json.loads(done.stdout) == Records(lake_of(home)).decisions("candidate_popularity")[-1].to_json()
        )

    with served(home, assignment_key="secret") as (customer, service):

        def arms() -> dict[int, str]:
            return {user: customer.list_of(f"customer-{user}").json["arm"] for user in range(60)}

        def share() -> float:
            now = service.rotation.now
            return 0.0 if now is None or now.canary is None else now.canary.share

        decide("0.3")
        until(lambda: share() == 0.3, "the canary is taken up")
        some = arms()
        own = {user for user, arm in some.items() if arm == ARM}
        assert 8 <= len(own) <= 30 and set(some.values()) == {ARM, "control", "popular"}
        for user in (min(own), min(set(some) - own)):
            answer = customer.list_of(f"customer-{user}").json
            assert (answer["record"] == record) == (user in own) == (answer["experiments"] == {})
        assert customer.tell(event("view", "item-1", user="u", arm=ARM)).status == 200
        assert customer.tell(event("view", "item-1", user="u", arm="canary:popularty")).status == 422
        told = customer.ask("GET", "/status").json["serves"]["canary"]
        assert told == {
            "arm": ARM,
            "table": "candidate_popularity@0",
            "share": 0.3,
            "decided": "ann: looks better",
        }
        train(home, "popularity", 1, table="candidate_popularity")
        until(
            lambda: customer.list_of(f"customer-{min(own)}").json["model_version"] == 1, "tonight's answers"
        )
        decide("0.6")
        until(lambda: share() == 0.6, "the share grows")
        assert own < {user for user, arm in arms().items() if arm == ARM}, "who was in stays in"
        decide("0")
        until(lambda: share() == 0.0, "the canary ends")
        assert ARM not in arms().values()
    assert serving_version(lake_of(home)) == 0 and Records(lake_of(home)).decisions("champion") == []


def test_a_canary_outlives_a_restart(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    set_canary(lake_of(home), "popularity", 1.0, who="ann", reason="all of them")
    for _ in range(2):
        with served(home) as (customer, _):
            assert customer.list_of("customer-1").json["arm"] == ARM
            assert customer.ask("GET", "/recommendations/nobody").json["arm"] == ARM


def test_what_cannot_be_a_canary(home: Path) -> None:
    lake = lake_of(home)
    train(home, "popularity", table="candidate_popularity")
    with pytest.raises(DecisionError, match="Did you mean 'popularity'"):
        set_canary(lake, "popularty", 0.1, who="ann", reason="why not")
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(DecisionError, match="no share"):
            set_canary(lake, "popularity", share, who="ann", reason="why not")
    with pytest.raises(DecisionError, match="reason"):
        set_canary(lake, "popularity", 0.1, who="ann", reason=" ")
    assert Records(lake).decisions() == []


def test_a_newer_version_is_promoted_and_an_older_one_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(home)
    for night in (1, 2):
        train(home, "popularity", night)
    roll_back(lake, 0, who="ann", reason="we look into it", held=True)
    monkeypatch.setenv("RECSYS_HOME", str(home))
    done = CliRunner().invoke(app, ["champion", "promote", "1", "--who", "bob", "--why", "found", "--json"])
    assert done.exit_code == 0, done.output
    assert serving_version(lake) == 1
    last = Records(lake).decisions("champion")[-1]
    assert (last.action, last.who, last.reason, last.before) == ("promote", "bob", "found", 0)
    with pytest.raises(DecisionError, match="rollback 0"):
        roll_back(lake, 0, who="ann", reason="back", action="promote")


def test_a_broken_canary_leaves_all_customers_to_the_champion(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    break_champion(lake_of(home), "candidate_popularity")
    set_canary(lake_of(home), "popularity", 1.0, who="ann", reason="all of them")
    with served(home) as (customer, _):
        assert "the canary candidate_popularity does not answer" in customer.ready()["problems"][0]
        assert customer.list_of("customer-1").json["arm"] == "control"
