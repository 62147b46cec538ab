"""What the service wrote down becomes the report of an experiment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys_assets.cli.commands import app
from tests.service.running import served
from tests.service.small_shop import USERS

FILE = """
[[experiment]]
name = "taste"
metric = "click_rate"
[[experiment.arms]]
name = "control"
[[experiment.arms]]
name = "popular"
share = 1.0
"""


def report(home: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    done = CliRunner().invoke(app, ["experiments", "report", *options])
    return done.exit_code, done.output


def test_what_was_shown_and_done_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "experiments.toml").write_text(FILE)
    code, text = report(home, monkeypatch)
    assert code == 0 and "Nobody was shown an arm of it yet." in text
    arms: dict[str, set[str]] = {"control": set(), "popular": set()}
    with served(home) as (customer, _):
        for number in range(USERS):
            answer = customer.list_of(f"customer-{number}", k=3).json
            arms[answer["arm"]].add(f"customer-{number}")
            if number % 2:
                event = {
                    "event_id": f"e{number}", "action_name": "view", "user": f"customer-{number}",
                    "object_id": answer["items"][0]["item"], "query_id": answer["query_id"], "position": 1,
                }  # fmt: skip
                assert customer.tell(event, event).json["accepted"] == 1
        # while it serves
        code, text = report(home, monkeypatch, "--json")
    (found,) = json.loads(text)["experiments"]
    assert code == 0 and found["trustworthy"]
    units = {row["arm"]: row for row in found["arms"] if row["metric"] == "click_rate"}
    for arm, members in arms.items():
        clicked = sum(int(member.rpartition("-")[2]) % 2 for member in members)
        assert units[arm]["units"] == len(members)
        assert units[arm]["value"] == pytest.approx(clicked / len(members))
    first, second, third = json.loads(text)["positions"]
    assert (first["shown"], first["clicks"], second["clicks"], third["shown"]) == (
        USERS,
        USERS // 2,
        0,
        USERS,
    )
    code, text = report(home, monkeypatch, "taste")
    assert code == 0 and "click_rate (decides)" in text and "Go on with popular" in text


def test_an_experiment_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "experiments.toml").write_text(FILE)
    code, text = report(home, monkeypatch, "tast")
    assert code == 1 and "There is no experiment 'tast'" in text and "taste" in text


def test_revenue_without_prices_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "experiments.toml").write_text(FILE.replace("click_rate", "revenue"))
    with served(home) as (customer, _):
        customer.list_of("customer-1")
    code, text = report(home, monkeypatch)
    assert code == 1 and "revenue needs" in text and "Traceback" not in text


def test_arms_that_lose_units_end_with_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "experiments.toml").write_text(FILE)
    feedback = home / "feedback"
    feedback.mkdir()
    lines = [
        {"query_id": f"q{n}", "time": 1_800_000_000_000_000, "user": f"u{n}", "object_ids": ["item-1"],
         "experiments": {"taste": "popular" if n % 4 == 0 else "control"}}
        for n in range(400)
    ]  # fmt: skip
    torn = '{"query_id": "q'
    (feedback / "exposures-1.jsonl").write_text(
        "".join(f"{json.dumps(line)}\n" for line in lines) + "nonsense\n" + torn
    )
    code, text = report(home, monkeypatch)
    assert (
        code == 1
        and "Do not trust this experiment" in text
        and "exposures-1.jsonl:401 cannot be read" in text
    )
