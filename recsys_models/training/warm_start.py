"""Warm start: embeddings of an earlier model as the start of the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.ids import Ids, rows_of
from recsys_models.data.interactions import Interactions


def warm_start(
    start: NDArray[np.float32], user_ids: Ids, item_ids: Ids, interactions: Interactions, matrix: sp.csr_array
) -> NDArray[np.float32]:
    """Start embeddings for `interactions` from those of an earlier model.

    A known row keeps its own. A new user or item takes the weighted mean of its known neighbours' rows, and the mean
    of all rows of its kind where it has none.

    Args:
        start: embeddings of the earlier model, shape (n_users + n_items, d).
        user_ids, item_ids: id maps of the earlier model.
        matrix: weights of the neighbours, users by items of `interactions`.
    """
    n_before = user_ids.size
    users, users_known = _carried(start[:n_before], user_ids, interactions.user_ids)
    items, items_known = _carried(start[n_before:], item_ids, interactions.item_ids)
    new_users = _neighbour_mean(matrix, items, items_known)
    new_items = _neighbour_mean(matrix.T.tocsr(), users, users_known)
    users[~users_known] = new_users[~users_known]
    items[~items_known] = new_items[~items_known]
    return np.vstack([users, items])


def _carried(
    vectors: NDArray[np.float32], old: NDArray[Any], new: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    row = rows_of(new, old)
    known = row >= 0
    carried = np.zeros((new.size, vectors.shape[1]), np.float32)
    carried[known] = vectors[row[known]]
    return carried, known


def _neighbour_mean(
    matrix: sp.csr_array, vectors: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    reach = np.asarray(matrix @ known.astype(np.float32)).ravel()
    mean = vectors[known].mean(0) if known.any() else np.zeros(vectors.shape[1], np.float32)
    summed = np.asarray(matrix @ vectors, np.float32)
    return np.where(reach[:, None] > 0, summed / np.maximum(reach, 1e-12)[:, None], mean)
