"""Ranking: a model's best items for one customer at the time of the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys_assets.service.answers.known_histories import CustomerHistory
from recsys_models.data.history import CodedNames, History

if TYPE_CHECKING:
    from recsys_assets.service.answers.served_model import ServedModel
    from recsys_models import Recommender


def ranked(
    served: ServedModel,
    user: str | None,
    past: CustomerHistory,
    names: Sequence[str],
    k: int,
    excluded: NDArray[np.int32],
    among: NDArray[np.int32] | None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k best items, best first, with their scores; fewer if there are not enough.

    They follow from the customer's history, folded in. A family that cannot fold in uses what it learned of the
    customer, or popular items.

    Args:
        past: the history of the customer, with behaviours as positions in `names`.
        excluded: rows of items that are left out.
        among: rows of the items that the list is chosen from; None: all.
    """
    if served.cannot_fold is None:
        rows, scores = served.model.answer(history_of(past, names), k, exclude=excluded, among=among)
        kept = (rows >= 0) & np.isfinite(scores)
        return rows[kept], scores[kept]
    row = -1 if user is None else int(served.model.rows([user])[0])
    return _best(served.model.scores(np.array([row]))[0], k, excluded, among)


def why_not_folded(model: Recommender) -> str | None:
    """The reason why a family cannot fold in new actions of a customer; None if it can."""
    try:
        model.answer(History(np.zeros(1, np.int32)), 1)
    except NotImplementedError as error:
        return str(error)
    return None


def history_of(past: CustomerHistory, names: Sequence[str]) -> History:
    """A history in the form that models take."""
    return History(past.items, CodedNames(names, past.behaviours), past.times, past.weights)


def _best(
    scores: NDArray[np.float32], k: int, excluded: NDArray[np.int32], among: NDArray[np.int32] | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k best rows of scores, best first, of those that are allowed; equal ones by row."""
    allowed = np.zeros(scores.size, bool) if among is not None else np.ones(scores.size, bool)
    if among is not None:
        allowed[among] = True
    allowed[excluded] = False
    rows = np.flatnonzero(allowed & np.isfinite(scores)).astype(np.int32)
    if rows.size > k:
        least = np.partition(scores[rows], rows.size - k)[rows.size - k]
        rows = rows[scores[rows] >= least]
    rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
    return rows, scores[rows]
