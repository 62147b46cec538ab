"""Adjustment: against an independent library, and on made-up shops whose effect is known."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import tea_tasting as tt
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.adjustment import adjusted, linearised
from recsys_assets.experiments.sample_ratio import sample_ratio_p


def _shop(seed: int, units: int = 4_000, effect: float = 0.0):
    generator = np.random.default_rng(seed)
    before = generator.gamma(2, 10, units)
    arm = generator.random(units) < 0.4
    return before, arm, 0.7 * before + generator.normal(0, 5, units) + effect * arm


def test_it_is_the_estimate_of_an_independent_library() -> None:
    before, arm, outcome = _shop(0, effect=1.0)
    frame = pl.DataFrame({"variant": arm.astype(int), "y": outcome, "x": before})
    told: Any = tt.Experiment(y=tt.Mean("y", covariate="x", use_t=False, equal_var=False)).analyze(frame)["y"]
    values = adjusted(outcome, before, arm)
    assert values[arm].mean() - values[~arm].mean() == pytest.approx(told.effect_size, abs=2e-3)
    error = np.sqrt(values[arm].var(ddof=1) / arm.sum() + values[~arm].var(ddof=1) / (~arm).sum())
    assert 2 * 1.96 * error == pytest.approx(told.effect_size_ci_upper - told.effect_size_ci_lower, rel=1e-2)


def test_it_stays_true_and_takes_the_spread_that_the_past_explains() -> None:
    raw, less = [], []
    for seed in range(200):
        before, arm, outcome = _shop(seed, 1_000, effect=2.0)
        values = adjusted(outcome, np.column_stack([before, before**2]), arm)
        raw.append(outcome[arm].mean() - outcome[~arm].mean())
        less.append(values[arm].mean() - values[~arm].mean())
    assert abs(np.mean(less) - 2.0) < 4 * np.std(less) / np.sqrt(200)
    assert np.std(less) < 0.6 * np.std(raw)


@given(st.integers(0, 2**32 - 1), st.integers(3, 60))
def test_means_stay_and_a_past_that_is_the_same_for_all_takes_nothing(seed: int, units: int) -> None:
    generator = np.random.default_rng(seed)
    outcome, arm = generator.normal(size=units), generator.integers(0, 2, units)
    assert adjusted(outcome, generator.normal(size=(units, 2)), arm).mean() == pytest.approx(outcome.mean())
    assert np.array_equal(adjusted(outcome, np.full(units, 3.0), arm), outcome)


def test_a_ratio_has_the_spread_that_an_independent_library_gives_it() -> None:
    generator = np.random.default_rng(3)
    shown = generator.integers(0, 30, 2_000).astype(float)
    clicks = generator.binomial(shown.astype(int), generator.beta(1, 10, 2_000)).astype(float)
    arm = generator.random(2_000) < 0.5
    frame = pl.DataFrame({"variant": arm.astype(int), "a": clicks, "b": shown})
    told: Any = tt.Experiment(r=tt.RatioOfMeans("a", "b", use_t=False, equal_var=False)).analyze(frame)["r"]
    values = linearised(clicks, shown, arm)
    assert values[arm].mean() == pytest.approx(clicks[arm].sum() / shown[arm].sum())
    assert values[arm].mean() - values[~arm].mean() == pytest.approx(told.effect_size)
    error = np.sqrt(values[arm].var(ddof=1) / arm.sum() + values[~arm].var(ddof=1) / (~arm).sum())
    assert 2 * 1.959964 * error == pytest.approx(
        told.effect_size_ci_upper - told.effect_size_ci_lower, rel=1e-6
    )


def test_a_ratio_of_nothing_is_not_known() -> None:
    values = linearised([1.0, 0.0], [2.0, 0.0], np.array(["a", "b"]))
    assert values[0] == 0.5
    assert np.isnan(values[1])


def test_the_sample_ratio_is_that_of_an_independent_library() -> None:
    arm = [0] * 1_050 + [1] * 950
    frame = pl.DataFrame({"variant": arm})
    told: Any = tt.Experiment(s=tt.SampleRatio(method="norm", correction=False)).analyze(frame)["s"]
    assert sample_ratio_p([1_050, 950], [0.5, 0.5]) == pytest.approx(told.pvalue)
    assert sample_ratio_p([1_050, 950], [1.0, 1.0]) == sample_ratio_p([1_050, 950], [0.5, 0.5])
    assert sample_ratio_p([10, 0, 1], [1.0, 1.0, 0.0]) == 0
    assert sample_ratio_p([0, 0], [0.5, 0.5]) == 1
    with pytest.raises(ValueError, match="shares"):
        sample_ratio_p([1, 2], [1.0])


@pytest.mark.parametrize(
    ("outcome", "before", "arm"),
    [([1.0, 2.0], [1.0], [0, 1]), ([1.0], [float("nan")], [0]), ([float("inf")], [1.0], [0])],
)
def test_what_does_not_belong_together_is_refused(outcome: list, before: list, arm: list) -> None:
    with pytest.raises(ValueError):
        adjusted(outcome, before, np.array(arm))
