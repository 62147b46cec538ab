"""Assignment: repeatable everywhere, in proportion, independent between experiments."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, kstest

from recsys_assets.experiments.assignment import arm_at, place

KEY = b"a key of the shop"


@given(st.text(), st.text())
def test_the_same_unit_always_stands_at_the_same_place(experiment: str, unit: str) -> None:
    assert place(KEY, experiment, unit) == place(KEY, experiment, unit)
    assert 0 <= place(KEY, experiment, unit) < 1


def test_another_process_sees_the_same_place() -> None:
    code = f"from recsys_assets.experiments.assignment import place; print(place({KEY!r}, 'e', 'customer 7'))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(told) == place(KEY, "e", "customer 7")


def test_places_are_even_and_those_of_two_experiments_and_two_keys_independent() -> None:
    units = [str(number) for number in range(20_000)]
    one = np.array([place(KEY, "one", unit) for unit in units])
    two = np.array([place(KEY, "two", unit) for unit in units])
    other = np.array([place(b"another key", "one", unit) for unit in units])
    even: Any = kstest(one, "uniform")
    assert even.pvalue > 1e-4
    for beside in (two, other):
        table, *_ = np.histogram2d(one, beside, bins=5, range=[[0, 1], [0, 1]])
        together: Any = chi2_contingency(table)
        assert together.pvalue > 1e-4


def test_names_and_units_do_not_run_into_each_other() -> None:
    assert place(KEY, "ab", "c") != place(KEY, "a", "bc")


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.floats(0, 1, exclude_max=True))
def test_an_arm_covers_its_share(weights: list[float], at: float) -> None:
    shares = [weight / sum(weights) for weight in weights]
    arm = arm_at(shares, at)
    assert sum(shares[:arm]) <= at + 1e-9
    assert at < sum(shares[: arm + 1]) + 1e-9


def test_an_arm_without_share_has_nobody() -> None:
    assert {arm_at([0.5, 0.5, 0.0], at / 1000) for at in range(1000)} | {arm_at([1.0, 0.0], 1 - 1e-16)} == {
        0,
        1,
    }


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty key"):
        place(b"", "e", "u")
