"""Is one model better than another, or is it chance?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Difference(NamedTuple):
    """Mean of a - b over users, its 95 % interval, and the two-sided p-value of no difference."""

    mean: float
    low: float
    high: float
    p: float


def paired_bootstrap(a: ArrayLike, b: ArrayLike, *, samples: int = 2000, seed: int = 0) -> Difference:
    """Resample users with replacement and look at the mean of a - b (Sakai 2006, "Evaluating evaluation metrics
    based on the bootstrap").

    Args:
        a, b: a metric of two models for the same users in the same order, shape (n,).

    Raises:
        ValueError: shapes differ, or there is no user.
    """
    difference = _paired(a, b)
    generator = np.random.default_rng(seed)
    means = np.empty(samples)
    n = difference.size
    for start in range(0, samples, 100):
        stop = min(samples, start + 100)
        means[start:stop] = difference[generator.integers(0, n, (stop - start, n))].mean(1)
    observed = float(difference.mean())
    low, high = np.quantile(means, [0.025, 0.975])
    extreme = int((np.abs(means - observed) >= abs(observed)).sum())
    return Difference(observed, float(low), float(high), (extreme + 1) / (samples + 1))


def wilcoxon(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p-value of the signed-rank test; 1 where the two never differ."""
    from scipy.stats import wilcoxon as signed_rank

    difference = _paired(a, b)
    if not difference.any():
        return 1.0
    return float(signed_rank(difference).pvalue)  # type: ignore[union-attr]


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down correction of the p-values of several comparisons (Holm 1979)."""
    ordered = sorted(p_values.items(), key=lambda pair: pair[1])
    corrected: dict[str, float] = {}
    least = 0.0
    for rank, (name, p) in enumerate(ordered):
        least = max(least, min(1.0, p * (len(ordered) - rank)))
        corrected[name] = least
    return {name: corrected[name] for name in p_values}


def _paired(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if left.shape != right.shape or left.ndim != 1 or not left.size:
        raise ValueError(
            f"expected two arrays (n,) of the same users, n ≥ 1, found shapes {left.shape} and {right.shape}"
        )
    return left - right
