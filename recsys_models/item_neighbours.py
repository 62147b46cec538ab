"""Item-based collaborative filtering with cosine similarity."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.feedback import FEEDBACKS, feedback_matrix
from recsys_models.interactions import Interactions
from recsys_models.recommender import FitRun, Recommender
from recsys_models.validation import validation_ndcg

POWERS = (1.0, 1.5, 2.0)
BLOCK_PRODUCTS = 30_000_000
"""Multiplications of one block of the similarity product: bounds its memory."""


@dataclass(kw_only=True, eq=False)
class ItemNeighbours(Recommender):
    """score(u, i) = Σ_j similarity(i, j) · feedback(u, j) over i itself and its nearest items j.

    similarity(i, j) = (users of both / √(users of i by users of j)) ^ power: for power 1 the cosine of the items'
    columns (Deshpande & Karypis 2004, "Item-based top-N recommendation algorithms", section 4).

    Args:
        neighbours: how many nearest items to keep for each item.
        power: > 1 trusts near items more; "auto": the best of `POWERS` on validation, 1.5 without.
        feedback: how a user's interactions with an item count, a name of `FEEDBACKS`; "auto": the best on
            validation, "binary" without.
    """

    family: ClassVar[str] = "item_neighbours"

    neighbours: int = 200
    power: float | str = "auto"
    feedback: str = "auto"

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        powers = [1.5 if self.power == "auto" else float(self.power)]
        feedbacks = ["binary" if self.feedback == "auto" else self.feedback]
        cosine = cosine_neighbours(self.seen, self.neighbours)
        if validation is not None:
            powers = list(POWERS) if self.power == "auto" else powers
            feedbacks = list(FEEDBACKS) if self.feedback == "auto" else feedbacks
        best = -1.0
        kept: tuple[sp.csr_array, sp.csr_array] | None = None
        for feedback, power in itertools.product(feedbacks, powers):
            self._feedback = feedback_matrix(interactions, feedback)
            self._similarity = cosine.copy()
            self._similarity.data **= power
            if validation is None or len(powers) * len(feedbacks) == 1:
                return
            reached = validation_ndcg(self.score_block, self.seen, validation)
            if reached > best:
                best, kept = reached, (self._feedback, self._similarity)
                self.chosen = {"power": power, "feedback": feedback}
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


def cosine_neighbours(matrix: sp.csr_array, neighbours: int) -> sp.csr_array:
    """Cosines between columns: the `neighbours` largest for each column, and 1 for the column itself.

    Args:
        matrix: users by items, ones.

    Returns:
        items by items, float32: column i holds the neighbours of item i. Equal cosines are kept by item row ascending.
    """
    degree = np.asarray(matrix.sum(axis=0), np.float64).ravel()
    normed = sp.csr_array(matrix * (1 / np.sqrt(np.maximum(degree, 1)))[None, :].astype(np.float32))
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
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    column, value = rows.indices, rows.data
    itself = column == owner + first
    order = np.lexsort((column, -value, ~itself, owner))
    owner, column, value = owner[order], column[order], value[order]
    starts = np.searchsorted(owner, np.arange(rows.shape[0]))
    rank = np.arange(owner.size) - starts[owner]
    kept = rank <= n
    return sp.coo_array(
        (value[kept].astype(np.float32), (owner[kept], column[kept])), shape=rows.shape
    ).tocsr()


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
