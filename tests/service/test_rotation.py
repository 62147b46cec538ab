"""A new champion is taken over without a lost request; a broken one is not; people decide, and it is recorded."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from recsys_assets.experiments.experiment import ExperimentError
from recsys_assets.service.champion_decisions import DecisionError, champions, roll_back, serving_model
from recsys_assets.upkeep import served_versions
from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from tests.service.running import Customer, served, until
from tests.service.small_shop import lake_of, train


def break_champion(lake: Lake, table: str = "champion") -> int:
    """A next version whose record is whole and whose weights are not."""
    latest = lake.version(table)
    files = read_blobs(lake, latest)
    name = max(files, key=lambda each: len(files[each]))
    files[name] = files[name][: len(files[name]) // 2]
    record = {**lake.commit(table)["record"], "id": "0" * 32, "version": latest.version + 1}
    return write_blobs(lake, table, files, record=record).version


def listed_champions() -> list[dict[str, Any]]:
    """What `recsys champion list` says of the home of RECSYS_HOME."""
    return json.loads(CliRunner().invoke(app, ["champion", "list", "--json"]).stdout)["champions"]


def test_swaps_under_load_lose_no_request_and_mix_no_versions(home: Path) -> None:
    records = {0: Records(lake_of(home)).get("champion").id}
    heard: list[tuple[int, int, str]] = []
    stop = threading.Event()

    def keep_asking(port: int) -> None:
        customer = Customer(port)
        while not stop.is_set():
            answer = customer.session(items=["item-3"], k=5)
            heard.append((answer.status, answer.json["model_version"], answer.json["record"]))

    with served(home) as (customer, service):
        threads = [threading.Thread(target=keep_asking, args=(customer.port,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for night, family in enumerate(("popularity", "spectral", "item_neighbours"), 1):
            records[night] = train(home, family, night)
            until(lambda night=night: heard and heard[-1][1] == night, "the new champion answers")
        stop.set()
        for thread in threads:
            thread.join()
        assert service.rotation.swaps == 4 and "recsys_model_version 3.0" in customer.figures()
    assert {status for status, _, _ in heard} == {200}
    assert {version for _, version, _ in heard} == {0, 1, 2, 3}
    assert all(record == records[version] for _, version, record in heard)


def test_a_broken_model_leaves_the_one_before_in_service(home: Path) -> None:
    with served(home) as (customer, service):
        before = customer.list_of("customer-1").items
        broken = break_champion(lake_of(home))
        until(lambda: customer.ready()["problems"], "it says so")
        ready = customer.ready()
        assert ready["status"] == "ready" and ready["model_version"] == broken - 1
        assert f"champion@{broken} cannot serve" in ready["problems"][0]
        assert customer.list_of("customer-1").items == before
        figures = customer.figures()
        assert "recsys_swap_pending 1.0" in figures and "recsys_swap_failures_total 1.0" in figures
        train(home, night=2)
        until(lambda: customer.ready()["model_version"] == broken + 1, "the next one is taken over")
        assert customer.ready()["problems"] == [] and service.rotation.failures == 1


def test_the_list_of_champions_says_which_one_answers_and_why_the_chosen_one_cannot(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    with served(home) as (customer, _):
        break_champion(lake_of(home))
        until(lambda: customer.ready()["problems"], "it says so")
        until(lambda: listed_champions()[1]["fault"], "the list says so")
        before, broken = listed_champions()
        assert (before["serves"], before["chosen"]) == (True, False)
        assert (broken["serves"], broken["chosen"]) == (False, True)
        assert "champion@1 cannot serve" in broken["fault"]
        shown = CliRunner().invoke(app, ["champion", "list"]).stdout
        assert "cannot" in shown and "champion@1 was chosen, but does not serve" in shown
    assert [each["serves"] for each in listed_champions()] == [False, True], "nobody runs who says otherwise"
    assert not list((home / "service").glob("running-*"))


def test_after_a_restart_the_newest_that_can_be_read_serves(home: Path) -> None:
    break_champion(lake_of(home))
    with served(home) as (customer, _):
        ready = customer.ready()
        assert ready["model_version"] == 0 and "could not be loaded" in ready["problems"][0]
        assert customer.list_of("customer-1").status == 200


def test_a_rollback_serves_and_is_recorded_with_who_and_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(home, "popularity", 1)
    monkeypatch.setenv("RECSYS_HOME", str(home))
    monkeypatch.setenv("LOGNAME", "ann")
    with served(home) as (customer, _):
        assert customer.ready()["model_version"] == 1
        done = CliRunner().invoke(
            app, ["champion", "rollback", "0", "--reason", "popular items only", "--json"]
        )
        assert done.exit_code == 0, done.output
        until(lambda: customer.ready()["model_version"] == 0, "the older one serves")
        until(lambda: [each["serves"] for each in listed_champions()] == [True, False], "the list says so")
        told = listed_champions()
        assert "ann: popular items only" in told[0]["decided"]
        train(home, "spectral", 2)
        until(lambda: customer.ready()["model_version"] == 2, "the next night's takes over")
    (decision,) = Records(lake_of(home)).decisions("champion")
    assert decision.to_json() == json.loads(done.stdout)
    assert (decision.kind, decision.who, decision.version, decision.before) == ("decision", "ann", 0, 1)
    assert Records(lake_of(home)).read()[0] and not Records(lake_of(home)).run_records()


def test_a_held_rollback_outlives_nights_until_somebody_decides_anew(home: Path) -> None:
    lake = lake_of(home)
    train(home, "popularity", 1)
    roll_back(lake, 0, who="ann", reason="we look into it", held=True)
    train(home, "popularity", 2)
    assert serving_model(lake) == ("champion", 0)
    assert ("champion", 0) in served_versions(lake), "the retention keeps what was decided for"
    roll_back(lake, 2, who="bob", reason="found")
    assert serving_model(lake) == ("champion", 2)
    assert [each.decided is None for each in champions(lake)] == [False, True, False]


def test_what_cannot_be_decided(home: Path) -> None:
    lake = lake_of(home)
    with pytest.raises(TableNotFound, match="no version 7"):
        roll_back(lake, 7, who="ann", reason="why not")
    with pytest.raises(DecisionError, match="serves already"):
        roll_back(lake, 0, who="ann", reason="why not")
    train(home, night=1)
    with pytest.raises(DecisionError, match="reason"):
        roll_back(lake, 0, who="ann", reason=" ")
    assert Records(lake).decisions("champion") == []


EXPERIMENT = """
[[experiment]]
name = "ranking"
[[experiment.arms]]
name = "control"
[[experiment.arms]]
name = "popular"
{arm}
"""


def test_arms_answer_with_their_own_models_and_rules(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm='family = "popularity"\nrules = "few.toml"'))
    (home / "few.toml").write_text("[[at_most]]\nn = 1\n")
    with served(home, assignment_key="secret") as (customer, _):
        assert customer.ready()["problems"] == []
        answers = {user: customer.list_of(f"customer-{user}", k=20).json for user in range(40)}
        arms = {user: answer["arm"] for user, answer in answers.items()}
        assert 8 < list(arms.values()).count("popular") < 32
        for answer in answers.values():
            few = answer["arm"] == "popular"
            assert len(answer["items"]) == (6 if few else 20)
            assert answer["experiments"] == {"ranking": answer["arm"]}
    with served(home, assignment_key="secret") as (customer, _):
        again = {user: customer.list_of(f"customer-{user}").json["arm"] for user in range(40)}
        assert again == arms, "the same after a restart"


def test_an_experiment_that_cannot_run_is_told_and_everybody_is_in_control(home: Path) -> None:
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm="version = 12"))
    with served(home) as (customer, _):
        assert "'ranking' does not run" in customer.ready()["problems"][0]
        assert {customer.list_of(f"customer-{user}").json["arm"] for user in range(20)} == {"control"}


def test_an_arm_whose_family_is_misspelt_is_told_with_the_right_name(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm='family = "popularty"'))
    with served(home) as (customer, _):
        (problem,) = customer.ready()["problems"]
    assert "there is no candidate 'popularty'. Did you mean 'popularity'?" in problem


def test_two_experiments_that_would_hide_each_other_are_refused(home: Path) -> None:
    arm = "version = 0"
    two = EXPERIMENT.format(arm=arm) + EXPERIMENT.format(arm=arm).replace('"ranking"', '"other"')
    (home / "experiments.toml").write_text(two)
    with pytest.raises(ExperimentError, match="change the same answers on the same days"), served(home):
        pass
