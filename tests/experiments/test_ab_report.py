"""The A/B report: every verdict where it is due, and none where it is not."""

import numpy as np
import polars as pl
import pytest

from recsys_assets.experiments.ab_report import SCHEMA, ab_report
from recsys_assets.experiments.experiment import Experiment


def _experiment(**given) -> Experiment:
    return Experiment.model_validate(
        {"name": "e", "arms": [{"name": "control"}, {"name": "new"}], "planned_units": 4_000, **given}
    )


def _units(seed: int, units: int = 8_000, *, bought: float = 0.3, amount: float = 20.0, share: float = 0.5):
    """Units of which the new arm buys with probability `bought` and for `amount`, the control 0.3 and 20."""
    generator = np.random.default_rng(seed)
    new = generator.random(units) < share
    before = generator.poisson(2, units)
    converted = (generator.random(units) < np.where(new, bought, 0.3)).astype(float)
    shown = generator.integers(0, 20, units)
    return pl.DataFrame(
        {
            "arm": np.where(new, "new", "control"),
            "converted": converted,
            "revenue": converted * np.where(new, amount, 20.0) * generator.lognormal(0, 0.3, units),
            "purchases": converted,
            "exposures": shown,
            "clicks": generator.binomial(shown, 0.1),
            "ratings": np.zeros(units),
            "rating_sum": np.zeros(units),
            "spent_before": before * 10.0,
            "baskets_before": before,
        }
    )


def _verdicts(report) -> dict[str, str]:
    return {row["metric"]: row["verdict"] for row in report.table.filter(pl.col("arm") == "new").to_dicts()}


def test_the_table_tells_every_arm_and_metric() -> None:
    report = ab_report(_units(0), _experiment())
    assert dict(report.table.schema) == SCHEMA
    assert report.table.height == 2 * 5
    row = report.table.row(
        by_predicate=(pl.col("arm") == "new") & (pl.col("metric") == "conversion"), named=True
    )
    assert row["relative_low"] < row["relative"] < row["relative_high"]
    assert row["role"] == "decides"
    satisfaction = report.table.filter(pl.col("metric") == "satisfaction")
    assert satisfaction["value"].to_list() == [None, None]  # nobody rated anything


@pytest.mark.parametrize(
    ("given", "told", "verdict"),
    [
        ({"bought": 0.4}, "Take new", "better"),
        ({"bought": 0.2}, "Stop new", "worse"),
        ({"bought": 0.3, "units": 400}, "Keep testing new", "open"),
    ],
)
def test_the_verdict_is_the_planted_one(given: dict, told: str, verdict: str) -> None:
    report = ab_report(_units(1, **given), _experiment())
    assert _verdicts(report)["conversion"] == verdict
    assert told in report.decision
    assert report.trustworthy


def test_the_verdict_is_what_both_shown_intervals_say() -> None:
    for seed in range(40):
        report = ab_report(_units(seed, 1_500, bought=0.36, amount=17.0), _experiment(metric="revenue"))
        for row in report.table.filter(pl.col("relative_low").is_not_null()).iter_rows(named=True):
            above, below = row["relative_low"] > 0, row["relative_high"] < 0
            assert (above, below) == (row["difference_low"] > 0, row["difference_high"] < 0)
            assert (above, below) == (row["verdict"] == "better", row["verdict"] == "worse")


def test_a_difference_that_does_not_matter_ends_the_experiment() -> None:
    report = ab_report(_units(2, 20_000), _experiment(least_effect=0.2))
    assert _verdicts(report)["conversion"] == "no difference that matters"
    assert "keep control" in report.decision


def test_a_guard_rail_stops_what_converts_better() -> None:
    rails = {"guard_rails": [{"metric": "revenue", "may_fall": 0.1}]}
    harmed = ab_report(_units(3, bought=0.4, amount=8.0), _experiment(**rails))
    assert _verdicts(harmed) | {"conversion": "better", "revenue": "harmed"} == _verdicts(harmed)
    assert "Stop new: it harms revenue" in harmed.decision
    held = ab_report(_units(3, bought=0.4), _experiment(**rails))
    assert _verdicts(held)["revenue"] == "safe"
    assert "Take new" in held.decision
    unchanged = ab_report(_units(4, 60_000), _experiment(planned_units=60_000, **rails))
    assert _verdicts(unchanged)["revenue"] == "safe"  # a fall below a tenth is no harm
    unsure = ab_report(_units(5, 3_000, bought=0.4, amount=14.0), _experiment(**rails))
    assert _verdicts(unsure)["revenue"] == "open"
    assert "continue" in unsure.decision


@pytest.mark.parametrize(
    ("metric", "sums"),
    [
        ("conversion", {"converted": (6, 3)}),
        ("revenue", {"revenue": (60, 30)}),
        ("purchases", {"purchases": (6, 3)}),
        ("click_rate", {"exposures": (100, 100), "clicks": (20, 10)}),
        ("satisfaction", {"ratings": (4, 4), "rating_sum": (18, 9)}),
    ],
)
def test_whatever_is_measured_can_decide_and_can_be_a_guard_rail(
    metric: str, sums: dict[str, tuple[int, int]]
) -> None:
    generator = np.random.default_rng(9)
    new = generator.random(6_000) < 0.5
    halved = {
        column: generator.poisson(np.where(new, of_new, of_control))
        for column, (of_control, of_new) in sums.items()
    }
    units = (
        _units(9, 6_000).with_columns(arm=pl.Series(np.where(new, "new", "control"))).with_columns(**halved)
    )
    other = "revenue" if metric == "conversion" else "conversion"
    rails = {"metric": other, "guard_rails": [{"metric": metric, "may_fall": 0.3}]}
    told = ab_report(units, _experiment(**rails))
    assert _verdicts(told)[metric] == "harmed"
    assert f"Stop new: it harms {metric}" in told.decision
    assert f"Stop new: it is worse in {metric}" in ab_report(units, _experiment(metric=metric)).decision


def test_lost_units_are_noticed_before_anything_else() -> None:
    report = ab_report(_units(6, bought=0.5, share=0.45), _experiment())
    assert not report.trustworthy
    assert report.decision.startswith("Do not trust")


def test_no_arm_wins_by_being_one_of_many() -> None:
    arms = [{"name": name} for name in ("control", "b", "c", "d")]
    alarms = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        frame = pl.DataFrame(
            {"arm": generator.choice(["control", "b", "c", "d"], 1_200), "converted": generator.random(1_200)}
        )
        alarms += "Take" in ab_report(frame, _experiment(arms=arms)).decision
    assert alarms <= 0.05 * 150


def test_the_past_narrows_the_interval() -> None:
    generator = np.random.default_rng(8)
    past = generator.gamma(1, 50, 4_000)
    frame = pl.DataFrame(
        {
            "arm": generator.choice(["control", "new"], 4_000),
            "converted": np.ones(4_000),
            "revenue": past + generator.normal(0, 10, 4_000),
            "spent_before": past,
        }
    )
    experiment = _experiment(metric="revenue")
    row = (pl.col("arm") == "new") & (pl.col("metric") == "revenue")
    with_past = ab_report(frame, experiment).table.row(by_predicate=row, named=True)
    without = ab_report(frame.drop("spent_before"), experiment).table.row(by_predicate=row, named=True)
    width = [each["difference_high"] - each["difference_low"] for each in (with_past, without)]
    assert width[0] < 0.4 * width[1]


def test_a_strange_arm_and_a_missing_column_are_refused() -> None:
    with pytest.raises(ValueError, match="no arm 'newer'"):
        ab_report(_units(0).with_columns(arm=pl.lit("newer")), _experiment())
    with pytest.raises(ValueError, match="'revenue' of units"):
        ab_report(_units(0).drop("revenue"), _experiment(metric="revenue"))
