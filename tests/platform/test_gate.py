"""The gate: a challenger becomes champion only by evidence, and a model that fell is warned of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.model import gate as gate_module
from recsys_assets.assets.model.gate import LARGEST_DROP
from recsys_assets.service.champion_decisions import Decided
from recsys_assets.settings import Settings
from recsys_lineage import Lake, asset_codes, frame_code, materialize
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from tests.examples import examples
from tests.lineage.records.record_writers import ENGINE

CUSTOMERS = 60
Means = dict[str, float]


class Nights:
    """A lake in which the gate decides, night after night, about families with given scores."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(str(folder / "lake"), ENGINE)

    def night(self, means: Means, *, spread: float = 0.02, decided: Decided | None = None) -> Materialization:
        """The gate's record of a night in which each family has this mean NDCG@20.

        Args:
            means: of each family.
            spread: standard deviation of a customer's score around it, of each family by itself.
            decided: by people.
        """
        found = [
            pl.DataFrame({
                "family": family, "kind": "new items", "level": "user", "segment": None, "metric": "ndcg", "k": 20,
                "member": [str(user) for user in range(CUSTOMERS)], "value": _scores(mean, spread, seed), "users": 1,
            })
            for seed, (family, mean) in enumerate(means.items())
        ]  # fmt: skip

        def evaluation(families: list[str]) -> pl.DataFrame:
            assert len(families) == len(found)
            return pl.concat(found, how="vertical_relaxed")

        evaluated = frame_code(evaluation, parameters={"families": list(means)})
        assert materialize(evaluated, self.lake).version is not None
        (code,) = asset_codes([gate_module.asset(Settings(), decided or Decided())]).values()
        return materialize(code, self.lake).record


def _scores(mean: float, spread: float, seed: int) -> np.ndarray:
    """Scores of the customers that have this mean, shape (CUSTOMERS,)."""
    noise = np.random.default_rng(seed).normal(0, spread, CUSTOMERS)
    return mean + noise - noise.mean()


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def champion(record: Materialization) -> str:
    return record.statistics["champion"]


def check(record: Materialization) -> CheckOutcome:
    (found,) = (each for each in record.checks if each.name == "not_much_worse_than_before")
    return found


def test_the_first_champion_is_the_better_baseline_unless_a_challenger_is_better(nights: Nights) -> None:
    assert (
        champion(nights.night({"popularity": 0.3, "item_neighbours": 0.4, "lightgcn": 0.401}))
        == "item_neighbours"
    )
    assert champion(nights.night({"popularity": 0.3, "item_neighbours": 0.4, "lightgcn": 0.6})) == "lightgcn"


@pytest.mark.parametrize(
    ("gain", "spread", "is_better"),
    [(0.02, 0.01, True), (0.02, 0.5, False), (-0.02, 0.01, False), (0.0, 0.01, False)],
)
def test_a_challenger_is_promoted_only_by_more_than_chance(
    nights: Nights, gain: float, spread: float, is_better: bool
) -> None:
    nights.night({"popularity": 0.3, "item_neighbours": 0.4})
    means = {"popularity": 0.3, "item_neighbours": 0.4, "ease": 0.4 + gain}
    record = nights.night(means, spread=spread)
    assert champion(record) == ("ease" if is_better else "item_neighbours")
    row = pl.DataFrame(nights.lake.arrow(nights.lake.version("gate"))).row(
        by_predicate=pl.col("challenger") == "ease", named=True
    )
    assert row["difference"] == pytest.approx(gain) and row["low"] <= gain <= row["high"]
    assert (row["low"] > 0) == row["better"] == row["promoted"] == is_better


def test_of_several_better_ones_the_best_is_promoted(nights: Nights) -> None:
    nights.night({"popularity": 0.3, "item_neighbours": 0.4})
    record = nights.night({"popularity": 0.3, "item_neighbours": 0.4, "ease": 0.5, "spectral": 0.6})
    assert champion(record) == "spectral"
    table = pl.DataFrame(nights.lake.arrow(nights.lake.version("gate")))
    assert table.filter("promoted")["challenger"].to_list() == ["spectral"]


def test_whom_a_person_promoted_stays_though_another_is_better_and_that_is_said(nights: Nights) -> None:
    means = {"popularity": 0.3, "item_neighbours": 0.4, "ease": 0.6}
    record = nights.night(means, decided=Decided(promoted="popularity"))
    assert champion(record) == "popularity"
    (reason,) = pl.DataFrame(nights.lake.arrow(nights.lake.version("gate"))).filter(challenger="ease")[
        "reason"
    ]
    assert "a person promoted popularity" in reason
    assert champion(nights.night(means, decided=Decided(promoted="gcn"))) == "ease", (
        "one that is not evaluated"
    )


@settings(max_examples=examples(8, judged=3))
@given(drop=st.floats(-0.5, 0.9).filter(lambda drop: abs(drop - LARGEST_DROP) > 1e-6))
def test_a_best_model_that_fell_by_more_than_the_limit_is_warned_of(
    tmp_path_factory: pytest.TempPathFactory, drop: float
) -> None:
    nights = Nights(tmp_path_factory.mktemp("nights"))
    first = nights.night({"popularity": 0.3, "item_neighbours": 0.4})
    assert check(first).passed and check(first).found == "there is nothing to compare with yet"
    found = check(nights.night({"popularity": 0.1, "item_neighbours": 0.4 * (1 - drop)}))
    best: Any = max(0.1, 0.4 * (1 - drop))
    assert found.passed == (1 - best / 0.4 < LARGEST_DROP)
    assert ("recsys lineage diff evaluation" in found.found) == (not found.passed)
    assert found.counts == {"now": pytest.approx(best), "before": pytest.approx(0.4)} and not found.blocking
