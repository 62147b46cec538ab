"""Coverage: of arms whose lists are known, whatever their sizes."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from recsys_assets.experiments.ab_report import ab_report
from recsys_assets.experiments.coverage import TOGETHER, coverage, coverage_together
from recsys_assets.experiments.experiment import Experiment

CATALOGUE, SHOWN = 400, 5


def _units(seed: int, sizes: dict[str, int], pools: dict[str, int]) -> pl.DataFrame:
    """Units of each arm, shown five items drawn from the first so many of the catalogue."""
    generator = np.random.default_rng(seed)
    rows = [
        {
            "arm": arm,
            "items": [f"i{each}" for each in generator.choice(pools[arm], SHOWN, replace=False)],
            "converted": float(generator.random() < 0.3),
        }
        for arm, size in sizes.items()
        for _ in range(size)
    ]
    order = generator.permutation(len(rows))
    moments = [datetime(2026, 1, 1) + timedelta(seconds=int(each)) for each in order]
    return pl.DataFrame(rows).with_columns(
        unit=pl.format("u{}", pl.int_range(pl.len())), first_shown=pl.Series(moments)
    )


def _expected(pool: int) -> float:
    return pool * (1 - (1 - SHOWN / pool) ** TOGETHER) / CATALOGUE


def _row(report, arm: str, metric: str) -> dict:
    return report.table.row(by_predicate=(pl.col("arm") == arm) & (pl.col("metric") == metric), named=True)


def _experiment(**more) -> Experiment:
    arms = [{"name": "control"}, {"name": "new"}]
    return Experiment.model_validate({"name": "e", "arms": arms, "planned_units": 4_000, **more})


def test_the_arm_that_shows_more_is_found_and_the_truth_lies_in_the_interval() -> None:
    sizes, pools = {"control": 1_500, "new": 1_500}, {"control": 60, "new": 90}
    report = ab_report(_units(0, sizes, pools), _experiment(), CATALOGUE)
    for arm, pool in pools.items():
        together = _row(report, arm, f"coverage_of_{TOGETHER}")
        assert together["value_low"] < _expected(pool) < together["value_high"]
        assert _row(report, arm, "coverage")["value"] == pytest.approx(pool / CATALOGUE)
    new = _row(report, "new", f"coverage_of_{TOGETHER}")
    assert new["verdict"] == "better" and new["units"] == 1_500
    assert new["relative_low"] < _expected(90) / _expected(60) - 1 < new["relative_high"]


def test_a_larger_arm_is_not_taken_for_one_that_shows_more() -> None:
    arms = [{"name": "control", "share": 4.0}, {"name": "new"}]
    sizes, pools = {"control": 4_800, "new": 1_200}, {"control": 400, "new": 400}
    for seed in range(5):
        report = ab_report(_units(seed, sizes, pools), _experiment(arms=arms), CATALOGUE)
        assert _row(report, "new", f"coverage_of_{TOGETHER}")["verdict"] not in ("better", "worse")
        whole = _row(report, "new", "coverage")
        assert whole["verdict"] == "not compared" and whole["relative_low"] is None


def test_groups_stay_as_they_are_when_more_units_come() -> None:
    units = _units(1, {"control": 200, "new": 170}, {"control": 100, "new": 100}).sort("first_shown")
    early, arms = coverage_together(units.head(250), CATALOGUE)
    late, all_arms = coverage_together(units, CATALOGUE)
    for arm in ("control", "new"):
        before = early[arms == arm]
        assert before.tolist() == late[all_arms == arm][: before.size].tolist()
    assert (all_arms == "new").sum() == 170 // TOGETHER


def test_nothing_shown_covers_nothing() -> None:
    assert coverage(pl.Series([[], []], dtype=pl.List(pl.String)), CATALOGUE) == 0
    few = ab_report(
        _units(2, {"control": 90, "new": 90}, {"control": 50, "new": 50}), _experiment(), CATALOGUE
    )
    row = _row(few, "new", f"coverage_of_{TOGETHER}")
    assert row["verdict"] == "open" and row["value_low"] is None  # too few groups to say anything


def test_coverage_can_decide_and_can_be_a_guard_rail() -> None:
    rail = {"guard_rails": [{"metric": "coverage", "may_fall": 0.1}]}
    sizes = {"control": 1_500, "new": 1_500}
    narrower = ab_report(_units(3, sizes, {"control": 90, "new": 40}), _experiment(**rail), CATALOGUE)
    row = _row(narrower, "new", f"coverage_of_{TOGETHER}")
    assert (row["role"], row["verdict"]) == ("guard rail", "harmed")
    assert "Stop new: it harms coverage_of_20" in narrower.decision
    wider = _units(3, sizes, {"control": 60, "new": 90})
    assert (
        _row(ab_report(wider, _experiment(**rail), CATALOGUE), "new", "coverage_of_20")["verdict"] == "safe"
    )
    decided = ab_report(wider, _experiment(metric="coverage"), CATALOGUE)
    assert "Take new: it is better in coverage_of_20" in decided.decision
    for wanted in (rail, {"metric": "coverage"}):
        with pytest.raises(ValueError, match="coverage_of_20 needs what units were shown"):
            ab_report(wider, _experiment(**wanted))
