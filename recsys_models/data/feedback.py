"""Implicit feedback as a matrix: how strongly a user's past interactions with an item count."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import scipy.sparse as sp

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import decay
from recsys_models.kernels.sparse import one_row

Feedback = Literal["binary", "log_count", "recent_28"]
FEEDBACKS: tuple[Feedback, ...] = get_args(Feedback)
"""Weights of an interacted pair: 1; log(1 + summed weight); 2^(-age of the latest interaction / 28 days)."""
EDGE_TRACE = 1e-4
"""Smallest weight of an edge, however old."""


def feedback_matrix(interactions: Interactions, feedback: str) -> sp.csr_array:
    """Feedback of users on items: float32 CSR with a value above 0 for each pair that interacted.

    Raises:
        ValueError: `feedback` is none of `FEEDBACKS`.
    """
    if feedback == "binary":
        return interactions.user_items()
    if feedback == "log_count":
        matrix = interactions.matrix()
        matrix.data = np.log1p(matrix.data)
        return matrix
    if feedback == "recent_28":
        return latest_weights(interactions, 28.0)
    raise ValueError(f"feedback: expected one of {list(FEEDBACKS)} or 'auto', found {feedback!r}")


def latest_weights(interactions: Interactions, half_life_days: float) -> sp.csr_array:
    """Recency of each pair, users by items CSR: 2^(-age of the latest interaction / half-life), or 1 without times."""
    interactions = interactions.counted
    if interactions.timestamp is None or not len(interactions):
        return interactions.user_items()
    unit = decay(interactions, half_life_days).astype(np.float32)
    alone = interactions.n_users == 1
    pair = (
        interactions.item
        if alone
        else interactions.user.astype(np.int64) * interactions.n_items + interactions.item
    )
    order = np.argsort(pair, kind="stable")
    in_order = pair[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    latest = np.maximum.reduceat(unit[order], starts)
    if alone:  # a customer who is folded in
        return one_row(in_order[starts], latest, interactions.n_items)
    matrix = interactions.user_items()
    matrix.data = latest
    return matrix


def edge_weights(interactions: Interactions, half_life_days: float | None) -> sp.csr_array:
    """Weight of each user-item edge of a graph: 2^(-age of the latest interaction / half-life), 1 without half-life.

    Returns:
        Users by items CSR. An old pair keeps a weight of `EDGE_TRACE`, so that no node loses all its edges.
    """
    if half_life_days is None:
        return interactions.user_items()
    matrix = latest_weights(interactions, half_life_days)
    matrix.data = np.maximum(matrix.data, EDGE_TRACE)
    return matrix
