"""Reasons: why an item is recommended, in words, from what the user had before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender


def nearest_in_history(
    model: Recommender, history: Interactions, users: Sequence[str], recommended: NDArray[np.object_]
) -> list[list[str | None]]:
    """For each recommended item, the item of the user's own history that is most like it.

    Likeness is the cosine of the model's item embeddings, or where it has none, of who interacted with the items.

    Args:
        model: the model that recommended.
        history: all interactions; ids are the caller's own.
        users: (n,) user ids.
        recommended: (n, k) item ids, None where there is none.

    Returns:
        (n, k) item ids; None where the user has no history or nothing in it is alike.
    """
    matrix = history.user_items()
    vectors = _unit_vectors(model, history)
    row_of_item = {item: row for row, item in enumerate(history.item_ids.tolist())}
    row_of_user = {user: row for row, user in enumerate(history.user_ids.tolist())}
    found: list[list[str | None]] = []
    for user, items in zip(users, recommended, strict=True):
        row = row_of_user.get(user, -1)
        owned = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]] if row >= 0 else np.empty(0, int)
        rows = [row_of_item.get(item, -1) for item in items]
        if owned.size == 0:
            found.append([None] * len(rows))
            continue
        likeness = vectors[np.maximum(rows, 0)] @ vectors[owned].T
        dense = np.asarray(likeness.todense() if hasattr(likeness, "todense") else likeness)
        dense[dense > 0.999999] -= 2 * (np.asarray(rows)[:, None] == owned[None, :])[dense > 0.999999]
        best = dense.argmax(1)
        found.append(
            [
                str(history.item_ids[owned[j]]) if rows[i] >= 0 and dense[i, j] > 0 else None
                for i, j in enumerate(best)
            ]
        )
    return found


def in_words(cold: bool, like: str | None, titles: Mapping[str, str]) -> str:
    """The reason as a sentence for a customer."""
    if cold:
        return "popular with other customers in the last weeks"
    if like is None:
        return "popular with customers who buy what you buy"
    return f"because you bought {titles.get(like, like)}"


def _unit_vectors(model: Recommender, history: Interactions):
    embeddings = model.embeddings()
    if embeddings is None:
        import scipy.sparse as sp

        columns = history.matrix(binary=True).T.tocsr()
        norms = np.sqrt(columns.multiply(columns).sum(1))
        return sp.diags_array(1 / np.maximum(np.asarray(norms).ravel(), 1e-12)) @ columns
    rows = {item: row for row, item in enumerate(model.item_ids.tolist())}
    order = np.array([rows.get(item, -1) for item in history.item_ids.tolist()])
    vectors = np.where(order[:, None] >= 0, embeddings.item[np.maximum(order, 0)], 0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
