"""Features of user-item pairs, the inputs of the attention."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY

HALF_LIVES = (3.5, 14.0, 56.0)
"""Half-lives in days of the recency features."""


def pair_features(
    interactions: Interactions, start: NDArray[np.float32]
) -> tuple[sp.coo_array, NDArray[np.float32], tuple[str, ...]]:
    """Features of each distinct pair, comparable between the graphs of different days.

    Behaviours: the logarithm of how often each occurred. Recency: 2^(-age / half-life) of the pair's latest and first
    interaction. Degrees: the logarithm of the degrees of user and item, of all and of recent interactions. And the
    cosine of both start embeddings, which distinguishes a usual interaction from an odd one.

    Args:
        start: shape (n_users + n_items, d).

    Returns:
        The pairs, sorted by user, then item; features of shape (pairs, f); their f names.
    """
    pairs = interactions.user_items().tocoo()
    n_users, n_items = interactions.n_users, interactions.n_items
    user, item = pairs.row.astype(np.int64), pairs.col.astype(np.int64)
    columns: dict[str, NDArray[np.floating]] = {}
    for name in interactions.behaviour_names if interactions.behaviour is not None else ():
        part = interactions.with_behaviour(name).matrix()
        columns[f"count {name}"] = np.log1p(np.asarray(part[user, item], np.float64).ravel())
    if not columns:
        columns["count"] = np.log1p(interactions.matrix().data)
    recent: dict[str, NDArray[np.floating]] = {"all": np.ones(user.size)}
    if interactions.timestamp is not None:
        first, last = _ages(interactions)
        for life in HALF_LIVES:
            columns[f"latest {life:g} days"] = recent[f"{life:g} days"] = np.exp2(-last / life)
        columns["first 28 days"] = np.exp2(-first / 28)
        recent["first 14 days"] = np.exp2(-first / 14)
    for name, weight in recent.items():
        columns[f"degree of user, {name}"] = np.log1p(np.bincount(user, weight, n_users))[user]
        columns[f"degree of item, {name}"] = np.log1p(np.bincount(item, weight, n_items))[item]
    columns["cosine"] = cosines(start, user, item + n_users)
    return pairs, np.stack(list(columns.values()), 1).astype(np.float32), tuple(columns)


def cosines(
    vectors: NDArray[np.float32], left: NDArray[np.int64], right: NDArray[np.int64], block: int = 65_536
) -> NDArray[np.float32]:
    """Cosine of rows `left` and `right` of `vectors`, pair by pair; 0 where one is zero."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    parts = [
        np.einsum("nd,nd->n", unit[left[at : at + block]], unit[right[at : at + block]])
        for at in range(0, left.size, block)
    ]
    return np.concatenate([np.empty(0, np.float32), *parts])


def _ages(interactions: Interactions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days since the first and the latest interaction of each pair, counted from the latest row of all."""
    assert interactions.timestamp is not None
    pair = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
    order = np.argsort(pair, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(pair[order]) != 0))
    age = (interactions.timestamp.max() - interactions.timestamp[order]) / DAY
    return np.maximum.reduceat(age, starts), np.minimum.reduceat(age, starts)
