"""Reasons: why an item is recommended, in words, from what the customer did before and what the family used of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

DID = {
    "purchase": "bought", "buy": "bought", "order": "bought", "transaction": "bought",
    "cart": "put {} into the cart", "add_to_cart": "put {} into the cart", "addtocart": "put {} into the cart",
    "basket": "put {} into the cart", "favourite": "liked", "favorite": "liked", "like": "liked",
    "wishlist": "wished for", "view": "viewed", "click": "viewed", "page_view": "viewed", "pageview": "viewed",
    "detail": "viewed", "impression": "were shown", "exposure": "were shown",
}  # fmt: skip
"""Behaviour → what the customer did, `{}` the item where it does not come last."""
PERSONAL, TOGETHER, POPULAR = "personal", "together", "popular"


def evidence_of(model: Recommender) -> str:
    """What a family's lists are made of, as far as a reason can say it.

    `personal`: item vectors or item weights, in which a customer's own items stand; `popular`: what everybody takes;
    `together`: anything else, where a reason tells only what the data say, that customers of one item have the other.
    """
    if model.name == "popularity":
        return POPULAR
    return PERSONAL if model.embeddings() is not None or _item_weights(model) is not None else TOGETHER


def nearest_in_history(
    model: Recommender, history: Interactions, users: Sequence[str], recommended: NDArray[np.object_]
) -> list[list[str | None]]:
    """For each recommended item, the item of the user's own history that speaks most for it.

    That is the one with the largest weight where the family learns weights between items; else the one whose embedding
    has the largest cosine; where the family has neither, the largest cosine of who interacted with the items.

    Args:
        model: the model that recommended.
        history: all interactions; ids are the caller's own.
        users: (n,) user ids.
        recommended: (n, k) item ids, None where there is none.

    Returns:
        (n, k) item ids; None where the user has no history or nothing in it speaks for the item.
    """
    if evidence_of(model) == POPULAR:
        return [[None] * len(items) for items in recommended]
    matrix = history.user_items()
    speaks = _item_weights(model)
    rows_of_model = {item: row for row, item in enumerate(model.item_ids.tolist())}
    vectors = _unit_vectors(model, history) if speaks is None else None
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
        if speaks is not None:
            own = [rows_of_model.get(item, -1) for item in history.item_ids[owned].tolist()]
            wanted = [rows_of_model.get(item, -1) for item in items]
            weights = speaks[np.maximum(own, 0)][:, np.maximum(wanted, 0)]
            dense = _dense(weights).T * (np.asarray(own) >= 0)
        else:
            assert vectors is not None
            dense = _dense(vectors[np.maximum(rows, 0)] @ vectors[owned].T)
        # an item that was viewed before says nothing of itself
        dense[np.asarray(rows)[:, None] == owned[None, :]] = -1.0
        best = dense.argmax(1)
        found.append(
            [
                str(history.item_ids[owned[j]]) if rows[i] >= 0 and dense[i, j] > 0 else None
                for i, j in enumerate(best)
            ]
        )
    return found


def in_words(
    cold: bool, like: str | None, behaviour: str | None, titles: Mapping[str, str], evidence: str
) -> str:
    """The reason as a sentence for a customer.

    Args:
        cold: whether nothing is known of the customer.
        like: the item that speaks for the recommended one.
        behaviour: what the customer did with it.
        titles: names of items.
        evidence: what the family uses (`evidence_of`).
    """
    if cold:
        return "popular with other customers in the last weeks"
    if like is None or behaviour is None:
        return "popular with other customers" if evidence == POPULAR else "popular with customers like you"
    title = titles.get(like, like)
    if evidence == TOGETHER:
        return f"customers who chose {title} chose it too"
    did = DID.get(behaviour, f"chose {{}} ({behaviour})")
    return f"because you {did.format(title) if '{}' in did else f'{did} {title}'}"


def _item_weights(model: Recommender) -> Any:
    """Weights by which an item of a user (row) speaks for another (column), of families that learn such; else None."""
    return getattr(model, "_similarity", None) if model.name == "item_neighbours" else None


def _dense(matrix: Any) -> NDArray[np.floating]:
    return np.array(matrix.todense() if hasattr(matrix, "todense") else matrix)


def _unit_vectors(model: Recommender, history: Interactions) -> Any:
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
