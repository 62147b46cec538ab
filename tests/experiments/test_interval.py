"""Confidence sequences: against their formula, an independent library, and experiments whose truth is known."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import tea_tasting as tt
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from recsys_assets.experiments.interval import (
    LEAST_UNITS,
    difference_interval,
    half_width,
    mean_interval,
    mixture,
    relative_interval,
)
from recsys_assets.experiments.sample_size import units_needed


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("planned", [100, 20_000])
def test_the_sequence_is_narrowest_where_it_was_planned(planned: int, alpha: float) -> None:
    def width(logarithm: float) -> float:
        spread = planned * math.exp(logarithm)
        return math.sqrt((spread + 1) / (planned * spread) * 2 * math.log(math.sqrt(spread + 1) / alpha))

    best = minimize_scalar(width, bounds=(-20, 5), method="bounded", options={"xatol": 1e-9})
    assert math.exp(best.x) == pytest.approx(mixture(planned, alpha), rel=1e-3)
    assert half_width(planned, planned, alpha) == pytest.approx(best.fun)


@given(st.integers(50, 10**7), st.integers(100, 10**6), st.floats(0.001, 0.4))
def test_it_is_wider_than_a_t_test_and_shrinks(units: int, planned: int, alpha: float) -> None:
    assert half_width(units, planned, alpha) > math.sqrt(2 * math.log(1 / alpha)) / math.sqrt(units)
    assert half_width(2 * units, planned, alpha) < half_width(units, planned, alpha)


def test_estimate_and_variance_are_those_of_an_independent_library() -> None:
    generator = np.random.default_rng(0)
    one, zero = generator.lognormal(1, 1, 700), generator.lognormal(1.1, 1, 900)
    frame = pl.DataFrame({"variant": [1] * 700 + [0] * 900, "y": np.concatenate([one, zero])})
    told: Any = tt.Experiment(y=tt.Mean("y", use_t=False, equal_var=False)).analyze(frame)["y"]
    interval = difference_interval(one, zero, alpha=0.05, planned=1_600)
    error = (told.effect_size_ci_upper - told.effect_size_ci_lower) / 2 / 1.959964
    assert interval.estimate == pytest.approx(told.effect_size)
    assert interval.width / 2 == pytest.approx(
        error * math.sqrt(1_600) * half_width(1_600, 1_600, 0.05), rel=1e-5
    )


def test_estimate_and_variance_are_those_of_a_second_library() -> None:
    """spotify-confidence, where it is installed: it brings a browser's drawing libraries along."""
    confidence = pytest.importorskip("spotify_confidence", exc_type=ImportError)
    generator = np.random.default_rng(1)
    one, zero = generator.lognormal(1, 1, 700), generator.lognormal(1.1, 1, 900)
    frame = pl.DataFrame(
        {
            "arm": ["one", "zero"],
            "total": [one.sum(), zero.sum()],
            "squares": [(one**2).sum(), (zero**2).sum()],
            "units": [one.size, zero.size],
        }
    ).to_pandas()
    test = confidence.ZTest(frame, "total", "squares", "units", "arm", interval_size=0.95)
    told = test.difference(level_1="zero", level_2="one").iloc[0]
    interval = difference_interval(one, zero, alpha=0.05, planned=1_600)
    error = (told["ci_upper"] - told["ci_lower"]) / 2 / 1.959964
    assert interval.estimate == pytest.approx(told["difference"])
    assert interval.width / 2 == pytest.approx(
        error * math.sqrt(1_600) * half_width(1_600, 1_600, 0.05), rel=1e-5
    )


def test_looking_often_raises_no_false_alarms() -> None:
    generator = np.random.default_rng(1)
    tests, alarms, alarms_of_t = 300, 0, 0
    for _ in range(tests):
        values, arm = generator.exponential(1, 4_000), generator.random(4_000) < 0.3
        ends = range(400, 4_001, 200)
        seen = [(values[:end][arm[:end]], values[:end][~arm[:end]]) for end in ends]
        alarms += any(
            difference_interval(one, zero, alpha=0.05, planned=2_000).excludes_zero for one, zero in seen
        )
        alarms_of_t += any(
            abs(one.mean() - zero.mean()) > 1.96 * math.sqrt(one.var() / one.size + zero.var() / zero.size)
            for one, zero in seen
        )
    assert alarms <= 0.05 * tests + 3 * math.sqrt(0.05 * 0.95 * tests)
    assert alarms_of_t > 0.15 * tests  # so that the experiments above could have raised alarms


def test_an_effect_is_found_at_the_promised_size_as_often_as_promised() -> None:
    units = units_needed(0.5, 2.0, (0.5, 0.5), alpha=0.05, power=0.9)
    generator = np.random.default_rng(2)
    found = 0
    for _ in range(300):
        arm = generator.random(units) < 0.5
        values = generator.normal(0, 2, units) + 0.5 * arm
        found += any(
            difference_interval(
                values[:end][arm[:end]], values[:end][~arm[:end]], alpha=0.05, planned=units
            ).excludes_zero
            for end in np.linspace(units / 20, units, 20).astype(int)
        )
    assert found / 300 > 0.9 - 3 * math.sqrt(0.09 / 300)


@given(st.floats(0.01, 10), st.floats(0.1, 10), st.floats(0.1, 0.9))
def test_smaller_effects_and_uneven_arms_need_more_units(
    effect: float, deviation: float, share: float
) -> None:
    even = units_needed(effect, deviation, (0.5, 0.5), alpha=0.05)
    assert units_needed(effect / 2, deviation, (0.5, 0.5), alpha=0.05) >= even
    assert units_needed(effect, deviation, (share, 1 - share), alpha=0.05) >= even
    assert units_needed(-effect, deviation, (0.5, 0.5), alpha=0.05) == even


def test_of_a_handful_and_of_an_arm_where_nothing_happened_nothing_is_said() -> None:
    few = np.arange(LEAST_UNITS - 1.0)
    assert mean_interval(few, alpha=0.05, planned=100).width == math.inf
    assert not difference_interval(few, np.zeros(1_000), alpha=0.05, planned=100).excludes_zero
    assert difference_interval(np.zeros(60), np.ones(60), alpha=0.05, planned=100).width == math.inf


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_interval([1.0, float("nan")], alpha=0.05, planned=100)
    with pytest.raises(ValueError, match="alpha"):
        mixture(100, 1.5)
    with pytest.raises(ValueError, match="two shares"):
        units_needed(0.0, 1.0, (0.5, 0.5), alpha=0.05)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.02, 0.9),
    st.floats(0.3, 3.0),
    st.integers(LEAST_UNITS, 600),
    st.integers(LEAST_UNITS, 600),
)
def test_the_relative_interval_never_contradicts_the_absolute_one(
    seed: int, chance: float, ratio: float, ones: int, zeros: int
) -> None:
    generator = np.random.default_rng(seed)
    one = generator.lognormal(0, 1, ones) * (generator.random(ones) < chance) * ratio
    zero = generator.lognormal(0, 1, zeros) * (generator.random(zeros) < chance)
    limits: Any = {"alpha": 0.05, "planned": 500}
    absolute, relative = difference_interval(one, zero, **limits), relative_interval(one, zero, **limits)
    if not math.isfinite(relative.width):
        return
    assert relative.low <= relative.estimate <= relative.high
    assert (relative.low > 0, relative.high < 0) == (absolute.low > 0, absolute.high < 0)


def test_the_relative_truth_is_hardly_ever_left_out_however_often_one_looks() -> None:
    generator = np.random.default_rng(5)
    left_out = 0
    for _ in range(200):
        one, zero = generator.exponential(1.3, 2_000), generator.exponential(1, 2_000)
        looks = [
            relative_interval(one[:n], zero[:n], alpha=0.05, planned=4_000) for n in range(200, 2_001, 200)
        ]
        left_out += any(not each.low <= 0.3 <= each.high for each in looks)
    assert left_out <= 0.05 * 200


def test_nothing_relative_is_said_where_the_control_may_be_nothing() -> None:
    few = np.zeros(200)
    few[:2] = 1.0
    assert math.isinf(relative_interval(np.ones(200), few, alpha=0.05, planned=400).high)
    assert math.isnan(relative_interval(np.ones(200), np.zeros(200), alpha=0.05, planned=400).estimate)
