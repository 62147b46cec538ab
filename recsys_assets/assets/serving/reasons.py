"""Reasons: why an item is recommended, in words, from the customer's history and the features that the family used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_assets.shop.shop_rules import BEHAVIOURS
from recsys_models.data.ids import rows_of
from recsys_models.kernels.sparse import shape_of

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

PHRASES = {
    "purchase": "bought", "buy": "bought", "order": "bought", "transaction": "bought",
    "cart": "put {} into the cart", "add_to_cart": "put {} into the cart", "addtocart": "put {} into the cart",
    "basket": "put {} into the cart", "favourite": "liked", "favorite": "liked", "like": "liked",
    "wishlist": "wished for", "view": "viewed", "click": "viewed", "page_view": "viewed", "pageview": "viewed",
    "detail": "viewed", "impression": "were shown", "exposure": "were shown",
}  # fmt: skip
"""Behaviour → phrase for what the customer did; `{}` stands for the item if it does not come last."""
CELLS = 4_000_000
"""Number of similarities, or of vector components, in memory at once."""
PERSONAL, TOGETHER, POPULAR = "personal", "together", "popular"


def evidence_of(model: Recommender) -> str:
    """Kind of evidence behind a family's lists, as far as a reason can express it.

    `personal`: item vectors or item weights, from the customer's own items; `popular`: popularity; `together`: anything
    else, for which a reason only says that customers of one item have the other.
    """
    if model.name == "popularity":
        return POPULAR
    return PERSONAL if model.embeddings() is not None or _item_weights(model) is not None else TOGETHER


def nearest_in_history(
    model: Recommender, history: Interactions, users: NDArray[np.integer], recommended: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Reasons for recommended items: for each, the item of the user's history that contributes most to it.

    If the family learns weights between items, that is the item with the largest weight; else the one whose embedding
    has the largest cosine; with neither, the one with the largest cosine of the users who interacted with both. Of
    equal ones it is the first.

    Args:
        model: the model that recommended.
        history: all interactions; ids are the caller's own.
        users: (n,) rows of `history.user_ids`, -1 for others.
        recommended: (n, k) rows of `model.item_ids`, -1 where there is none.

    Returns:
        (n, k) places in the indices of `history.user_items()`; -1 where the user has no history or nothing in it
        contributes.
    """
    if evidence_of(model) == POPULAR:
        return np.full(recommended.shape, -1, np.int64)
    in_history = rows_of(model.item_ids, history.item_ids, "item")
    wanted = np.where(recommended >= 0, in_history[recommended], -1)
    owned = history.user_items()
    weights = _item_weights(model)
    if weights is not None:
        entries = weights.tocoo()
        row, column = in_history[entries.col], in_history[entries.row]
        both = (row >= 0) & (column >= 0)
        shape = (history.n_items, history.n_items)
        speaks = sp.coo_array((entries.data[both], (row[both], column[both])), shape=shape).tocsr()
        return _nearest_by_item(lambda items: speaks[items], owned, users, wanted)
    embeddings = model.embeddings()
    if embeddings is not None:
        order = rows_of(history.item_ids, model.item_ids, "item")
        vectors = np.where(order[:, None] >= 0, embeddings.item[np.maximum(order, 0)], 0)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return _nearest_by_user(vectors, owned, users, wanted)
    columns = owned.T.tocsr()
    norms = np.sqrt(columns.multiply(columns).sum(1))
    unit = sp.diags_array(1 / np.maximum(np.asarray(norms).ravel(), 1e-12)) @ columns
    others = unit.T.tocsr()
    return _nearest_by_item(lambda items: unit[items] @ others, owned, users, wanted)


def nearest_of_one(
    model: Recommender, own: NDArray[np.integer], recommended: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Like `nearest_in_history`, for one customer's list at the time of the request.

    Args:
        own: (n,) rows of the model's items in the customer's history.
        recommended: (k,) rows of the model's items.

    Returns:
        (k,) places in `own`, -1 where nothing contributes to the item.
    """
    if evidence_of(model) == POPULAR or not own.size or not recommended.size:
        return np.full(recommended.shape, -1, np.int64)
    weights, embeddings = _item_weights(model), model.embeddings()
    if weights is not None:
        speaks = np.asarray(weights[own][:, recommended].todense())
    elif embeddings is not None:
        mine, theirs = embeddings.item[own], embeddings.item[recommended]
        speaks = (mine / np.maximum(np.linalg.norm(mine, axis=1, keepdims=True), 1e-12)) @ theirs.T
    else:
        mine, theirs = model.seen[:, own], model.seen[:, recommended]
        norm = np.sqrt(np.asarray(mine.multiply(mine).sum(0)).ravel())
        speaks = np.asarray((mine.T @ theirs).todense()) / np.maximum(norm, 1e-12)[:, None]
    speaks = np.where(own[:, None] == recommended[None, :], -1.0, speaks)
    best = speaks.argmax(0)
    return np.where(speaks[best, np.arange(best.size)] > 0, best, -1)


def _nearest_by_item(
    speaks: Callable[[NDArray[np.integer]], Any],
    owned: sp.csr_array,
    users: NDArray[np.integer],
    wanted: NDArray[np.integer],
) -> NDArray[np.int64]:
    """`nearest_in_history` item by item, so that the weights of an item are looked up once for all users.

    Args:
        speaks: function from some items to a sparse matrix of the weight of each item for them.
    """
    found = np.full(wanted.size, -1, np.int64)
    first, length = _histories(owned, np.repeat(users, wanted.shape[1]))
    pairs = np.flatnonzero((wanted.ravel() >= 0) & (length > 0))
    pairs = pairs[np.argsort(wanted.ravel()[pairs], kind="stable")]
    item = wanted.ravel()[pairs]
    at_once = max(1, CELLS // max(1, shape_of(owned)[1]))
    items, begins, number_of = np.unique(item, return_index=True, return_inverse=True)
    for number in range(0, items.size, at_once):
        dense = np.asarray(speaks(items[number : number + at_once]).todense())
        end = begins[number + at_once] if number + at_once < items.size else item.size
        work = np.cumsum(length[pairs[begins[number] : end]])
        for start, stop in pairwise(_cuts(work)):
            part = slice(begins[number] + start, begins[number] + stop)
            size = length[pairs[part]]
            starts = np.cumsum(size) - size
            place = np.repeat(first[pairs[part]] - starts, size) + np.arange(size.sum())
            own, target = owned.indices[place], np.repeat(item[part], size)
            values = dense[np.repeat(number_of[part] - number, size), own]
            # an item that was viewed before says nothing of itself
            values[own == target] = -1.0
            best = np.maximum.reduceat(values, starts)
            best_place = np.flatnonzero(values == np.repeat(best, size))
            best_place = best_place[np.searchsorted(best_place, starts)]
            found[pairs[part]] = np.where(best > 0, place[best_place], -1)
    return found.reshape(wanted.shape)


def _nearest_by_user(
    vectors: NDArray[np.float32],
    owned: sp.csr_array,
    users: NDArray[np.integer],
    wanted: NDArray[np.integer],
) -> NDArray[np.int64]:
    """`nearest_in_history` by inner products of item vectors, for users with equally many items at once."""
    found = np.full(wanted.shape, -1, np.int64)
    first, length = _histories(owned, users)
    order = np.argsort(length, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(length[order])) + 1):
        size = int(length[group[0]]) if group.size else 0
        k, dim = wanted.shape[1], vectors.shape[1]
        step = max(1, CELLS // max(1, (size + k) * dim, size * k))
        for start in range(0, group.size if size else 0, step):
            part = group[start : start + step]
            place = first[part, None] + np.arange(size)
            own, target = owned.indices[place], wanted[part]
            alike = vectors[np.maximum(target, 0)] @ vectors[own].transpose(0, 2, 1)
            alike[target[:, :, None] == own[:, None, :]] = -1.0
            best = alike.argmax(2)
            counts = (target >= 0) & (np.take_along_axis(alike, best[:, :, None], 2)[:, :, 0] > 0)
            found[part] = np.where(counts, np.take_along_axis(place, best, 1), -1)
    return found


def _histories(
    owned: sp.csr_array, users: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and number of each user's items; 0 for users of row -1."""
    length = np.where(users >= 0, np.diff(owned.indptr)[users], 0).astype(np.int64)
    return owned.indptr[:-1][users].astype(np.int64), length


def _cuts(work: NDArray[np.int64]) -> list[int]:
    """Bounds that divide pairs into parts of about `CELLS` items, given the number of items up to each pair."""
    cuts = [0]
    while cuts[-1] < work.size:
        done = int(work[cuts[-1] - 1]) if cuts[-1] else 0
        cuts.append(max(cuts[-1] + 1, int(np.searchsorted(work, done + CELLS, side="right"))))
    return cuts


def furthest_behaviours(history: Interactions) -> NDArray[np.int8]:
    """Furthest behaviour of each user with each of their items, such as bought rather than viewed: for each place in
    the indices of `history.user_items()` a row of `history.behaviour_names`."""
    owned = history.user_items()
    if history.behaviour is None or len(history.behaviour_names) < 2:
        return np.zeros(owned.nnz, np.int8)
    steps = [BEHAVIOURS.index(name) if name in BEHAVIOURS else -1 for name in history.behaviour_names]
    order = np.argsort(steps, kind="stable")
    rank = np.argsort(order)[history.behaviour]
    users = np.repeat(np.arange(history.n_users, dtype=np.int64), np.diff(owned.indptr))
    pair = users * history.n_items + owned.indices
    interacted = history.user.astype(np.int64) * history.n_items + history.item
    place = np.minimum(np.searchsorted(pair, interacted), pair.size - 1)
    known = pair[place] == interacted
    furthest = np.zeros(owned.nnz, np.int8)
    np.maximum.at(furthest, place[known], rank[known].astype(np.int8))
    return order[furthest].astype(np.int8)


def in_words(
    cold: bool, like: str | None, behaviour: str | None, titles: Mapping[str, str], evidence: str
) -> str:
    """The reason as a sentence for a customer.

    Args:
        cold: whether nothing is known of the customer.
        like: the item of the history that led to the recommended one.
        behaviour: of the customer with that item.
        titles: names of items.
        evidence: kind of the family's evidence (`evidence_of`).
    """
    if cold:
        return "popular with other customers in the last weeks"
    if like is None or behaviour is None:
        return "popular with other customers" if evidence == POPULAR else "popular with customers like you"
    title = titles.get(like, like)
    if evidence == TOGETHER:
        return f"customers who chose {title} chose it too"
    did = PHRASES.get(behaviour, f"chose {{}} ({behaviour})")
    return f"because you {did.format(title) if '{}' in did else f'{did} {title}'}"


def _item_weights(model: Recommender) -> Any:
    """Learned weights from an item of the history (row) to a recommended one (column); None for families without
    them."""
    return getattr(model, "_similarity", None) if model.name == "item_neighbours" else None
