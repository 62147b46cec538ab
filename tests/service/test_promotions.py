"""What a person decided about a candidate, and the nights after it: the gate knows, nothing is undone in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from recsys_assets.assets.model.gate import asset, gate
from recsys_assets.cli.commands import app
from recsys_assets.service.champion_decisions import (
    Decided,
    promote_candidate,
    roll_back,
    serving_model,
    set_canary,
)
from recsys_assets.settings import load_settings
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import Outcome, materialize
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.dagster_internals import code_of
from tests.service.small_shop import lake_of, train

MEANS = {"popularity": 0.1, "item_neighbours": 0.3, "lightgcn": 0.5}
WHO: dict[str, Any] = {"who": "ann", "reason": "it is quicker"}


def evaluation() -> pl.DataFrame:
    """Of forty customers, by whom lightgcn is clearly the best family and popularity the worst."""
    generator = np.random.default_rng(0)
    return pl.DataFrame(
        [
            {"family": family, "kind": "new items", "level": "user", "member": f"c{member}", "metric": "ndcg",
             "value": mean + 0.1 * generator.random()}
            for family, mean in MEANS.items()
            for member in range(40)
        ]
    )  # fmt: skip


@pytest.fixture
def lake(home: Path) -> Lake:
    """The small shop's, with two candidates and customers to judge by."""
    found = lake_of(home)
    materialize(frame_code(evaluation), found)
    for family in ("popularity", "item_neighbours"):
        train(home, family, table=f"candidate_{family}")
    return found


def judged(lake: Lake) -> Outcome:
    """The gate, of a night that knows what was decided."""
    decided = Decided.of(lake)
    parameters = {"seed": 1, "promoted": decided.promoted, "canary": decided.canary}
    outcome = materialize(frame_code(gate, reads=("evaluation",), parameters=parameters), lake)
    assert outcome.error is None
    return outcome


def champion_of(outcome: Outcome) -> str:
    assert outcome.output is not None
    return outcome.output.statistics["champion"]


def test_nights_keep_to_what_a_person_promoted_and_say_what_the_evidence_is(home: Path, lake: Lake) -> None:
    assert champion_of(judged(lake)) == "lightgcn"
    promote_candidate(lake, "item_neighbours", **WHO)
    assert serving_model(lake) == ("candidate_item_neighbours", 0)
    for night in (1, 2):
        outcome = judged(lake)
        assert champion_of(outcome) == "item_neighbours"
        (warning,) = outcome.warnings
        assert warning.startswith(
            "lightgcn would be champion by the evidence, but item_neighbours was promoted"
        )
        rows = {row["challenger"]: row for row in pl.DataFrame(lake.arrow(lake.version("gate"))).to_dicts()}
        assert rows["lightgcn"]["better"] and not rows["lightgcn"]["promoted"]
        assert "but a person promoted item_neighbours" in rows["lightgcn"]["reason"]
        train(home, "item_neighbours", night)  # what the asset `champion` makes of it
        assert serving_model(lake) == ("champion", night), "fitted on all that is known now"


def test_the_next_decision_gives_the_choice_back_to_the_gate(home: Path, lake: Lake) -> None:
    promote_candidate(lake, "popularity", **WHO)
    assert champion_of(judged(lake)) == "popularity"
    train(home, "popularity", 1)
    freed = roll_back(lake, 1, who="bob", reason="let the gate decide", action="promote")
    assert (freed.before, freed.version) == (1, 1) and serving_model(lake) == ("champion", 1)
    outcome = judged(lake)
    assert champion_of(outcome) == "lightgcn" and not outcome.warnings
    promote_candidate(lake, "popularity", **WHO)
    roll_back(lake, 0, who="bob", reason="sells less")
    assert Decided.of(lake).promoted is None


def test_the_command_that_frees_the_gate_says_what_serves(
    home: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_candidate(lake, "popularity", **WHO)
    train(home, "popularity", 1)
    monkeypatch.setenv("RECSYS_HOME", str(home))
    for code, words in ((0, "champion@1 serves, until there is a newer one."), (1, "serves already")):
        done = CliRunner().invoke(app, ["champion", "promote", "1", "--reason", "let the gate decide"])
        assert done.exit_code == code and words in done.output


def test_a_promoted_family_that_competes_no_more_is_told(lake: Lake) -> None:
    promote_candidate(lake, "item_neighbours", **WHO)
    materialize(
        frame_code(lambda: evaluation().filter(pl.col("family") != "item_neighbours"), name="evaluation"),
        lake,
    )
    outcome = judged(lake)
    assert champion_of(outcome) == "lightgcn"
    assert "not among the evaluated families" in outcome.warnings[0]


def test_a_canary_changes_no_table_and_is_told_once_its_family_is_champion(lake: Lake) -> None:
    before = judged(lake)
    set_canary(lake, "popularity", 0.1, **WHO)
    after = judged(lake)
    assert not after.warnings and after.record.fingerprint == before.record.fingerprint
    promote_candidate(lake, "popularity", **WHO)
    assert any("recsys champion canary popularity 0" in words for words in judged(lake).warnings)
    set_canary(lake, "popularity", 0, **WHO)
    assert Decided.of(lake) == Decided("popularity")


def test_the_platform_s_gate_has_what_was_decided_as_a_parameter(
    home: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    before = code_of(asset(load_settings()))
    promote_candidate(lake, "popularity", **WHO)
    after = code_of(asset(load_settings()))
    assert before is not None and after is not None
    assert (before.parameters["promoted"], after.parameters["promoted"]) == (None, "popularity")
    assert before.code_version != after.code_version, "so the next night asks the gate again"
