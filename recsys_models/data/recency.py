"""Recency weights: how much an interaction still counts at its age."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions

DAY = 86_400_000_000
"""Microseconds per day, the unit of `Interactions.timestamp`."""


def recency_weights(interactions: Interactions, half_life_days: float | None) -> NDArray[np.float32]:
    """Weights after decay, weight · 2^(-age / half-life), age as in `decay`. Shape (n,).

    Without timestamps, or with a half-life of None (no decay), these are the weights themselves.
    """
    if half_life_days is None or interactions.timestamp is None or not len(interactions):
        return interactions.weight
    return (interactions.weight * decay(interactions, half_life_days)).astype(np.float32)


def decay(interactions: Interactions, half_life_days: float | None) -> NDArray[np.float64]:
    """Recency of each row, 2^(-age / half-life); 1 without timestamps or half-life. Age counts from the interactions'
    `now` (0 for later rows), or else from the latest row.

    Raises:
        ValueError: the half-life is not above 0.
    """
    if half_life_days is None or interactions.timestamp is None or not len(interactions):
        return np.ones(len(interactions))
    if half_life_days <= 0:
        raise ValueError(f"half_life_days: expected a number > 0 or None, found {half_life_days}")
    now = interactions.timestamp.max() if interactions.now is None else interactions.now
    return np.exp2(-np.maximum(now - interactions.timestamp, 0) / (DAY * half_life_days))
