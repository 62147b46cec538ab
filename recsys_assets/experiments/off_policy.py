"""Off-policy evaluation: the reward that a recommender would have had, estimated from the lists of another one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri


class Value(NamedTuple):
    """Value of a policy per exposure, its interval, and how much of the log informs it.

    `effective` is Kish's effective sample size of the weights, (Σw)²/Σw². `mean_weight` is 1 except for chance if the
    propensities are right; `weights_fit` says whether it is.
    """

    estimate: float
    low: float
    high: float
    effective: float
    mean_weight: float
    weights_fit: bool


def inverse_propensity(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.05,
    groups: ArrayLike | None = None,
) -> Value:
    """Inverse propensity scoring: unbiased if every item that the target shows could have been shown.

    Horvitz and Thompson 1952; for logs of recommendations Li et al. 2011.

    Args:
        reward: of each exposure, such as a click, shape (n,).
        propensity: the probability with which that item was shown there, shape (n,), above 0.
        target: the probability with which the evaluated policy would have shown it there, shape (n,).
        alpha: 1 - the confidence of the interval.
        groups: exposures with the same group (one customer's, one page's) are not independent, shape (n,).

    Raises:
        ValueError: shapes differ, there is no exposure, or a probability is not in its range.
    """
    r, w, members = _checked(reward, propensity, target, groups)
    return _value(r * w, w, float((r * w).mean()), members, alpha)


def self_normalised(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.05,
    groups: ArrayLike | None = None,
) -> Value:
    """Self-normalised inverse propensity scoring: a little bias for much less variance, and never out of range.

    Swaminathan and Joachims 2015. The arguments are those of `inverse_propensity`.
    """
    r, w, members = _checked(reward, propensity, target, groups)
    if not w.any():
        raise ValueError("the policy would show none of the logged items, so this log cannot evaluate it")
    estimate = float((r * w).sum() / w.sum())
    return _value(estimate + w * (r - estimate) / w.mean(), w, estimate, members, alpha)


def doubly_robust(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    expected: ArrayLike,
    expected_of_target: ArrayLike,
    *,
    alpha: float = 0.05,
    groups: ArrayLike | None = None,
) -> Value:
    """Doubly robust: a model of the reward, corrected by observations; correct if either of the two is.

    Dudík, Langford and Li 2011. The arguments are those of `inverse_propensity`, and

    Args:
        expected: the reward that a model predicts for the shown item, shape (n,); not fitted on these exposures.
        expected_of_target: the reward that it predicts for the item that the target would show, shape (n,).
    """
    r, w, members = _checked(reward, propensity, target, groups)
    shown, wanted = np.asarray(expected, np.float64), np.asarray(expected_of_target, np.float64)
    if shown.shape != r.shape or wanted.shape != r.shape:
        raise ValueError(
            f"expected rewards have the shapes {shown.shape} and {wanted.shape}, rewards {r.shape}"
        )
    terms = wanted + w * (r - shown)
    return _value(terms, w, float(terms.mean()), members, alpha)


def _checked(
    reward: ArrayLike, propensity: ArrayLike, target: ArrayLike, groups: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    r, p, q = (np.asarray(each, np.float64) for each in (reward, propensity, target))
    if r.ndim != 1 or not r.size or not r.shape == p.shape == q.shape:
        raise ValueError(
            f"reward {r.shape}, propensity {p.shape} and target {q.shape} must be one number an exposure"
        )
    wrong = ~(np.isfinite(r) & (p > 0) & (p <= 1) & (q >= 0) & (q <= 1))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"exposure {at}: reward {r[at]}, propensity {p[at]}, target {q[at]}; a propensity lies in (0, 1], a"
            " target's probability in [0, 1]"
        )
    members = np.arange(r.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if members.shape != r.shape:
        raise ValueError(f"groups {members.shape} and reward {r.shape} are not of the same exposures")
    return r, q / p, members


def _value(
    terms: NDArray[np.float64],
    w: NDArray[np.float64],
    estimate: float,
    members: NDArray[np.int64],
    alpha: float,
) -> Value:
    quantile = float(ndtri(1 - alpha / 2))
    half = quantile * _error_of_mean(terms, members)
    mean_weight = float(w.mean())
    fits = abs(mean_weight - 1) <= max(4 * _error_of_mean(w, members), 1e-9)
    total = float(np.square(w).sum())
    effective = float(w.sum()) ** 2 / total if total else 0.0
    return Value(estimate, estimate - half, estimate + half, effective, mean_weight, fits)


def _error_of_mean(terms: NDArray[np.float64], members: NDArray[np.int64]) -> float:
    """The standard error of the mean, clustered by group."""
    sums = np.bincount(members, terms - terms.mean())
    if sums.size < 2:
        return float("inf")
    return float(np.sqrt(np.square(sums).sum() * sums.size / (sums.size - 1)) / terms.size)
