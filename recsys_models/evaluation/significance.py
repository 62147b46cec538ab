"""Significance: whether one model is better than another by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

COMPARISON = {
    "model": pl.String,
    "seeds": pl.Int64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "p_wilcoxon": pl.Float64,
    "deviation": pl.Float64,
}


class Difference(NamedTuple):
    """Difference between two models: mean of a - b over users, its 95 % interval, and the two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float


def paired_bootstrap(a: ArrayLike, b: ArrayLike, *, samples: int = 2000, seed: int = 0) -> Difference:
    """Paired bootstrap of the mean of a - b, users resampled with replacement (Sakai 2006, "Evaluating evaluation
    metrics based on the bootstrap").

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
    """Two-sided p-value of Wilcoxon's signed-rank test; 1 where the two never differ."""
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


def compare(
    per_user: Mapping[str, ArrayLike], baseline: str, *, samples: int = 2000, seed: int = 0
) -> pl.DataFrame:
    """Comparison of every model with a baseline, user by user: paired bootstrap and Wilcoxon, each corrected for the
    number of models.

    Runs of several seeds are averaged for each user first, so that the user stays the unit that is drawn: seeds are
    repeated measurements of the same users, not further users.

    Args:
        per_user: model → a metric, shape (users,) or (seeds, users), the same users in the same order everywhere.
        baseline: the model that the others are compared with.

    Returns:
        One row per other model, largest difference first: model, seeds, difference (to the baseline), low, high (95 %),
        p, p_wilcoxon (both after Holm), deviation (of the model's mean between its seeds; null for one).

    Raises:
        ValueError: the baseline is none of the models, or numbers of users differ.
    """
    if baseline not in per_user:
        raise ValueError(f"baseline: expected one of {list(per_user)}, found {baseline!r}")
    runs = {name: np.atleast_2d(np.asarray(values, np.float64)) for name, values in per_user.items()}
    usual = runs.pop(baseline).mean(0)
    found = {
        name: paired_bootstrap(values.mean(0), usual, samples=samples, seed=seed)
        for name, values in runs.items()
    }
    p = holm({name: difference.p for name, difference in found.items()})
    p_wilcoxon = holm({name: wilcoxon(values.mean(0), usual) for name, values in runs.items()})
    rows = [
        {
            "model": name,
            "seeds": values.shape[0],
            "difference": found[name].mean,
            "low": found[name].low,
            "high": found[name].high,
            "p": p[name],
            "p_wilcoxon": p_wilcoxon[name],
            "deviation": float(values.mean(1).std(ddof=1)) if values.shape[0] > 1 else None,
        }
        for name, values in runs.items()
    ]
    return pl.DataFrame(rows, schema=COMPARISON).sort("difference", descending=True)


def _paired(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if left.shape != right.shape or left.ndim != 1 or not left.size:
        raise ValueError(
            f"expected two arrays (n,) of the same users, n ≥ 1, found shapes {left.shape} and {right.shape}"
        )
    return left - right
