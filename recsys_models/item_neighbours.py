"""Item-based collaborative filtering with cosine similarity."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.feedback import FEEDBACKS, feedback_matrix, latest_weights
from recsys_models.interactions import Interactions
from recsys_models.recommender import FitRun, Recommender
from recsys_models.validation import validation_ndcg

POWERS = (1.0, 1.5)
HALF_LIVES = (None, 84.0)
BLOCK_PRODUCTS = 30_000_000
"""Multiplications of one block of the similarity product: bounds its memory."""


@dataclass(kw_only=True, eq=False)
class ItemNeighbours(Recommender):
    """score(u, i) = Σ_j similarity(i, j) · feedback(u, j) over i itself and its nearest items j.

    similarity(i, j) = cosine of the items' columns ^ power (Deshpande & Karypis 2004, "Item-based top-N
    recommendation algorithms", section 4).

    Args:
        neighbours: how many nearest items to keep for each item.
        power: > 1 trusts near items more.
        half_life_days: columns hold 2^(-age / half-life) where a user has the item, or 1 with None.
        feedback: how a user's interactions with an item count, a name of `FEEDBACKS`.

    "auto" is the best of `POWERS`, `HALF_LIVES` and `FEEDBACKS` on validation; 1.5, None and "binary" without.
    """

    family: ClassVar[str] = "item_neighbours"

    neighbours: int = 100
    power: float | str = "auto"
    half_life_days: float | None | str = "auto"
    feedback: str = "auto"

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        search = validation is not None
        lives = _choices(
            self.half_life_days, HALF_LIVES if search and interactions.timestamp is not None else (None,)
        )
        best = -1.0
        kept: tuple[sp.csr_array, sp.csr_array] | None = None
        for life in lives:
            cosine = cosine_neighbours(
                self.seen if life is None else latest_weights(interactions, life), self.neighbours
            )
            for feedback, power in itertools.product(
                _choices(self.feedback, FEEDBACKS if search else ("binary",)),
                _choices(self.power, POWERS if search else (1.5,)),
            ):
                self._feedback = feedback_matrix(interactions, feedback)
                self._similarity = cosine.copy()
                self._similarity.data **= power
                reached = 0.0
                if validation is not None:
                    reached = validation_ndcg(
                        self.score_block, self.seen, validation, max_users=1000, seed=run.seed
                    )
                if reached > best:
                    best, kept = reached, (self._feedback, self._similarity)
                    if search:
                        self.chosen = {"power": power, "half_life_days": life, "feedback": feedback}
        assert kept is not None
        self._feedback, self._similarity = kept

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray((self._feedback[user_rows] @ self._similarity).todense(), np.float32)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            **sparse_state("similarity", self._similarity),
            **sparse_state("feedback", self._feedback),
        }

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        n_users, n_items = self.seen.shape
        self._similarity = sparse_from_state("similarity", state, (n_items, n_items))
        self._feedback = sparse_from_state("feedback", state, (n_users, n_items))


def _choices(parameter: Any, candidates: tuple[Any, ...]) -> tuple[Any, ...]:
    return candidates if parameter == "auto" else (parameter,)


def cosine_neighbours(matrix: sp.csr_array, neighbours: int) -> sp.csr_array:
    """Cosines between columns: the `neighbours` largest for each column, and 1 for the column itself.

    Args:
        matrix: users by items, numbers > 0.

    Returns:
        items by items, float32: column i holds the neighbours of item i. Equal cosines are kept by item row ascending.
    """
    length = np.sqrt(np.asarray(matrix.power(2).sum(axis=0), np.float64).ravel())
    normed = sp.csr_array(matrix * (1 / np.maximum(length, 1e-12))[None, :].astype(np.float32))
    columns = normed.T.tocsr()
    work = np.cumsum(columns.astype(bool).astype(np.float64) @ np.diff(matrix.indptr).astype(np.float64))
    n_items = matrix.shape[1]
    blocks: list[sp.csr_array] = []
    start = 0
    while start < n_items:
        done = work[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(work, done + BLOCK_PRODUCTS)))
        blocks.append(_largest(sp.csr_array(columns[start:stop] @ normed), neighbours, start))
        start = stop
    return sp.vstack(blocks, format="csr").T.tocsr()


def _largest(rows: sp.csr_array, n: int, first: int) -> sp.csr_array:
    """The n largest entries of each row, and column `first` + row, an item's likeness to itself."""
    # positive float32 sort as their bits do, so one integer holds value and column: larger value, then smaller column
    bits = np.ascontiguousarray(rows.data, np.float32).view(np.int32).astype(np.int64)
    itself = rows.indices == np.repeat(np.arange(rows.shape[0]) + first, np.diff(rows.indptr))
    bits[itself] = np.iinfo(np.int32).max
    key = (bits << 32) | (np.iinfo(np.int32).max - rows.indices)
    kept: list[NDArray[np.int64]] = []
    for start, stop in pairwise(rows.indptr.tolist()):
        chosen = np.arange(start, stop)
        if stop - start > n + 1:
            chosen = start + np.argpartition(key[start:stop], stop - start - n - 1)[-n - 1 :]
        kept.append(np.sort(chosen))
    at = np.concatenate(kept)
    indptr = np.concatenate([[0], np.cumsum([chosen.size for chosen in kept])])
    return sp.csr_array((rows.data[at], rows.indices[at], indptr), shape=rows.shape)


def sparse_state(name: str, matrix: sp.csr_array) -> dict[str, NDArray[Any]]:
    """A CSR matrix as three arrays for a model file."""
    return {
        f"{name}.data": matrix.data.astype(np.float32),
        f"{name}.indices": matrix.indices.astype(np.int32),
        f"{name}.indptr": matrix.indptr.astype(np.int64),
    }


def sparse_from_state(name: str, state: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> sp.csr_array:
    """What `sparse_state` took apart."""
    return sp.csr_array(
        (state[f"{name}.data"], state[f"{name}.indices"], state[f"{name}.indptr"]), shape=shape
    )
