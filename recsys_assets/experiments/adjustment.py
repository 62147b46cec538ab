"""Adjustment (CUPED): outcomes corrected for the behaviour of units before the experiment."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjusted(outcome: ArrayLike, before: ArrayLike, arm: ArrayLike) -> NDArray[np.float64]:
    """The outcome minus its prediction from the past of each unit (CUPED).

    Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data", with several covariates. The difference between arms keeps its expectation, because the past
    does not depend on the arm; variance that stems from before the experiment is removed. Slopes are estimated within
    arms, so that an effect of the experiment does not enter them.

    Args:
        outcome: one number a unit, shape (n,).
        before: covariates of each unit from before the experiment, shape (n,) or (n, p), no gaps: a unit without a past
            has zeros, ideally with a column that says so.
        arm: the arm of each unit, shape (n,).

    Returns:
        Shape (n,), with the same mean as `outcome`.

    Raises:
        ValueError: shapes differ or a value is not finite.
    """
    y = np.asarray(outcome, np.float64)
    x = np.asarray(before, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    arms = np.asarray(arm)
    if y.ndim != 1 or x.ndim != 2 or not y.shape[0] == x.shape[0] == arms.shape[0]:
        raise ValueError(
            f"outcome {y.shape}, before {x.shape} and arm {arms.shape} are not of the same units"
        )
    if not np.isfinite(y).all() or not np.isfinite(x).all():
        raise ValueError("outcome and before must be finite; what is missing is 0, and a column that says so")
    if not y.size:
        return y
    scale = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, scale > 0] / scale[scale > 0]
    within_x, within_y = x.copy(), y.copy()
    for each in np.unique(arms):
        rows = arms == each
        within_x[rows] -= within_x[rows].mean(axis=0)
        within_y[rows] -= within_y[rows].mean()
    slopes, *_ = np.linalg.lstsq(within_x, within_y, rcond=None)
    return y - x @ slopes


def linearised(numerator: ArrayLike, denominator: ArrayLike, arm: ArrayLike) -> NDArray[np.float64]:
    """One number per unit, whose mean over an arm is the arm's ratio of sums, with the variance of that ratio.

    Clicks of a hundred exposures of one customer are not a hundred independent exposures. By the delta method, a ratio
    r = Σa/Σb of an arm varies as the mean of r + (a - r b)/mean(b) over its customers (Budylin et al. 2018, "Consistent
    transformation of ratio metrics for efficient online controlled experiments").

    Args:
        numerator, denominator: sums per unit, such as clicks and exposures, shape (n,).
        arm: the arm of each unit, shape (n,).

    Returns:
        Shape (n,); NaN throughout an arm whose denominators are all 0.
    """
    a, b = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    arms = np.asarray(arm)
    out = np.full(a.shape, np.nan)
    for each in np.unique(arms):
        rows = arms == each
        mean = b[rows].mean()
        if mean > 0:
            ratio = a[rows].mean() / mean
            out[rows] = ratio + (a[rows] - ratio * b[rows]) / mean
    return out
