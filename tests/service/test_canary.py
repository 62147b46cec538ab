"""A candidate answers a share of the customers, always the same; a newer version is promoted; both are recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from recsys_assets.service.champion_decisions import (
    DecisionError,
    champions,
    promote_candidate,
    roll_back,
    serving_model,
    set_canary,
)
from recsys_assets.upkeep import served_versions
from recsys_lineage.records.records import Records
from tests.service.running import served, until
from tests.service.small_shop import lake_of, train
from tests.service.test_answers import event
from tests.service.test_rotation import EXPERIMENT, break_champion

ARM = "canary:popularity"


@pytest.mark.slow
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
    assert (
        serving_model(lake_of(home)) == ("champion", 0) and Records(lake_of(home)).decisions("champion") == []
    )


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
        with pytest.raises(DecisionError, match="not a share"):
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
    assert serving_model(lake) == ("champion", 1)
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


def test_a_candidate_is_promoted_until_there_is_a_new_champion(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(home)
    train(home, "popularity", table="candidate_popularity")
    chosen = train(home, "popularity", 1, table="candidate_popularity")
    monkeypatch.setenv("RECSYS_HOME", str(home))
    command = ["champion", "promote", "--candidate", "popularity", "--who", "ann", "--why", "it is quicker"]
    with served(home) as (customer, _):

        def answers() -> tuple[str, int]:
            told = customer.ready()
            return told["model_table"], told["model_version"]

        assert answers() == ("champion", 0)
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert (
            "candidate_popularity@1 serves instead of champion@0, until there is a new champion"
            in done.output
        )
        until(lambda: answers() == ("candidate_popularity", 1), "the candidate serves")
        answer = customer.list_of("customer-1").json
        assert (answer["record"], answer["arm"]) == (chosen, "control")
        assert customer.ask("GET", "/status").json["serves"]["decided"] == "ann: it is quicker"
        train(home, "popularity", 2, table="candidate_popularity")
        train(home, "item_neighbours", 1)
        until(lambda: answers() == ("champion", 1), "the new champion serves")
    (last,) = Records(lake).decisions()
    assert (last.asset, last.version, last.who, last.reason) == (
        "candidate_popularity",
        1,
        "ann",
        "it is quicker",
    )
    assert (last.before_asset, last.before, last.latest) == ("champion", 0, 0)


def test_a_promoted_candidate_is_listed_kept_and_given_up(home: Path) -> None:
    lake = lake_of(home)
    train(home, "popularity", table="candidate_popularity")
    promote_candidate(lake, "candidate_popularity", who="ann", reason="quicker", held=True)
    train(home, "popularity", 1)
    assert serving_model(lake) == ("candidate_popularity", 0), "it is held"
    assert ("candidate_popularity", 0) in served_versions(lake)
    listed = [(each.table, each.version, each.family) for each in champions(lake) if each.serves]
    assert listed == [("candidate_popularity", 0, "popularity")]
    with pytest.raises(DecisionError, match="serves already"):
        promote_candidate(lake, "popularity", who="ann", reason="again", held=True)
    back = roll_back(lake, 1, who="bob", reason="sells less")
    assert (back.before_asset, back.before) == ("candidate_popularity", 0)
    assert serving_model(lake) == ("champion", 1)
    assert [each.table for each in champions(lake)] == ["champion", "champion"]


@pytest.mark.parametrize("named", [[], ["1", "--candidate", "popularity"]])
def test_either_a_version_or_a_candidate_is_promoted(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: list[str]
) -> None:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    done = CliRunner().invoke(app, ["champion", "promote", *named, "--why", "it is quicker"])
    assert done.exit_code == 1 and "either a version of the champion, or a candidate" in done.output
    assert Records(lake_of(home)).decisions() == []


def test_a_broken_candidate_leaves_the_champion_in_service(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    break_champion(lake_of(home), "candidate_popularity")
    promote_candidate(lake_of(home), "popularity", who="ann", reason="it is quicker")
    with served(home) as (customer, _):
        assert customer.list_of("customer-1").status == 200
        told = customer.ready()
        assert told["model_table"] == "champion" and told["problems"]


def test_beside_a_broken_champion_all_else_that_changes_is_taken_over(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    with served(home) as (customer, service):
        broken = break_champion(lake_of(home))
        until(lambda: customer.ready()["problems"], "it says so")
        shown = customer.list_of("customer-1").items[0]
        (home / "rules.toml").write_text(f'[stock]\nout = ["{shown}"]\n')
        until(lambda: shown not in customer.list_of("customer-1").items, "the rules count")
        set_canary(lake_of(home), "popularity", 1.0, who="ann", reason="it is quicker")
        until(lambda: customer.list_of("customer-1").json["arm"] == ARM, "the canary answers")
        assert customer.ready()["model_version"] == broken - 1 and service.rotation.failures == 1
        assert f"champion@{broken} cannot serve" in customer.ready()["problems"][0]
