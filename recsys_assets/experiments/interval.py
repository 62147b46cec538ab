"""Intervals: confidence sequences of a mean, valid at any time and however often somebody looks."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

LEAST_UNITS = 50
"""The fewest units of an arm that has an interval, because intervals are asymptotic."""


class Interval(NamedTuple):
    """An estimate with the bounds of its confidence interval; infinite bounds where there is too little data."""

    estimate: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Width of the interval."""
        return self.high - self.low

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval does not contain 0."""
        return self.low > 0 or self.high < 0


def mixture(planned: float, alpha: float) -> float:
    """The ρ² with which an asymptotic confidence sequence is narrowest at `planned` units.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and asymptotic confidence
    sequences", appendix: ρ² = (-W₋₁(-α²/e) - 1) / t.

    Raises:
        ValueError: `planned` or `alpha` is not in its range.
    """
    if not planned > 0 or not 0 < alpha < 1:
        raise ValueError(f"planned must be positive and alpha in (0, 1), not {planned} and {alpha}")
    return float((-lambertw(-(alpha**2) / math.e, -1).real - 1) / planned)


def half_width(units: float, planned: float, alpha: float) -> float:
    """Half of an asymptotic confidence sequence's width after `units` of deviation 1 (theorem 2.2 of the above).

    The probability that a sequence with this half-width ever excludes the true value is `alpha`, asymptotically. One
    with the 1.96/√t of a t-test surely excludes it at some time.
    """
    spread = units * mixture(planned, alpha)
    return math.sqrt((spread + 1) / (units * spread) * 2 * math.log(math.sqrt(spread + 1) / alpha))


def mean_interval(values: ArrayLike, *, alpha: float, planned: float) -> Interval:
    """The mean of units' values, with its confidence sequence.

    Args:
        values: one per unit, shape (n,).
        alpha: the probability of ever being wrong.
        planned: the number of units at which the interval is to be narrowest.
    """
    array = _values(values)
    if array.size < LEAST_UNITS:
        return Interval(float(array.mean()) if array.size else math.nan, -math.inf, math.inf)
    mean, deviation = float(array.mean()), float(array.std(ddof=1))
    half = deviation * half_width(array.size, planned, alpha)
    return Interval(mean, mean - half, mean + half)


def difference_interval(treated: ArrayLike, control: ArrayLike, *, alpha: float, planned: float) -> Interval:
    """The difference of two arms' means, with its confidence sequence.

    Units come one after another and are assigned at random, so the difference is the mean of one score per unit, whose
    variance is n times that of the difference of means (section 3 of the above). It stays valid for units that return
    and whose sums grow: the sums at two looks are then more alike than those of independent units with the same
    variances, and a boundary is crossed less often.

    Args:
        treated, control: one value a unit, shapes (n₁,) and (n₀,).
        alpha: the probability of ever being wrong.
        planned: units of both arms together at which the interval is to be narrowest.
    """
    one, zero = _values(treated), _values(control)
    if min(one.size, zero.size) < LEAST_UNITS or not one.any() or not zero.any():
        known = one.size and zero.size
        return Interval(float(one.mean() - zero.mean()) if known else math.nan, -math.inf, math.inf)
    difference = float(one.mean() - zero.mean())
    units = one.size + zero.size
    variance = units * (one.var(ddof=1) / one.size + zero.var(ddof=1) / zero.size)
    half = math.sqrt(variance) * half_width(units, planned, alpha)
    return Interval(difference, difference - half, difference + half)


def relative_interval(treated: ArrayLike, control: ArrayLike, *, alpha: float, planned: float) -> Interval:
    """The difference of two arms' means relative to the control's, by the same sequence as `difference_interval`.

    It contains r if the treated mean and (1 + r) times the control's may be equal (Fieller 1954, "Some problems in
    interval estimation"). So it excludes 0 exactly where the interval of the difference does. It is infinite where the
    control's mean may be 0.

    Args:
        treated, control: one value a unit, shapes (n₁,) and (n₀,).
        alpha: the probability of ever being wrong.
        planned: units of both arms together at which the interval is to be narrowest.
    """
    one, zero = _values(treated), _values(control)
    level = float(zero.mean()) if zero.size else 0.0
    if level <= 0 or not one.size:
        return Interval(math.nan, -math.inf, math.inf)
    ratio = float(one.mean()) / level
    unknown = Interval(ratio - 1, -math.inf, math.inf)
    if min(one.size, zero.size) < LEAST_UNITS or not one.any():
        return unknown
    units = one.size + zero.size
    square = units * half_width(units, planned, alpha) ** 2
    spread, of_control = square * one.var(ddof=1) / one.size, square * zero.var(ddof=1) / zero.size
    # level² (1 + r)² - 2 level mean (1 + r) + mean² <= spread + of_control (1 + r)²
    leading, middle, rest = level**2 - of_control, level * float(one.mean()), float(one.mean()) ** 2 - spread
    if leading <= 0:
        return unknown
    root = math.sqrt(max(0.0, middle**2 - leading * rest))
    return Interval(ratio - 1, (middle - root) / leading - 1, (middle + root) / leading - 1)


def _values(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("values must be one finite number a unit")
    return array
