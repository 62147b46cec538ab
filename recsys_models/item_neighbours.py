"""Item-based collaborative filtering with cosine similarity."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import FEEDBACKS, Feedback, feedback_matrix, latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.kernels.neighbours import cosine_neighbours, sparse_from_state, sparse_state
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.parameters.parameters import Above0, Auto, Count
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import validation_ndcg

POWERS = (1.0, 1.5)
"""Values of `power` that validation chooses from."""
HALF_LIVES = (None, 84.0)
"""Values of `half_life_days` that validation chooses from."""
LARGE_CATALOGUE = 50_000
"""Number of items from which a second similarity matrix, for the half-life, is not worth its time."""


@dataclass(kw_only=True, eq=False)
class ItemNeighbours(Recommender):
    """Item-based collaborative filtering: an item scores by how similar it is to the user's items.

    score(u, i) = Σ_j similarity(i, j) · feedback(u, j) over i itself and its nearest items j, where similarity(i, j) is
    the cosine of the items' columns ^ power (Deshpande & Karypis 2004, "Item-based top-N recommendation algorithms",
    section 4).

    Args:
        neighbours: number of nearest items kept for each item.
        power: power of the cosine; above 1 it trusts near items more.
        half_life_days: age at which a user's interaction counts half in the cosine; None: no decay.
        feedback: how a user's interactions with an item count, a name of `FEEDBACKS`.

    "auto" is the best of `POWERS`, `HALF_LIVES` and `FEEDBACKS` on validation; 1.5, None and "binary" without. With
    more than `LARGE_CATALOGUE` items there is no half-life, and fewer validation users choose.
    """

    family: ClassVar[str] = "item_neighbours"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp", "weight"})

    neighbours: Count = 100
    power: Above0 | Auto = "auto"
    half_life_days: Above0 | Auto | None = "auto"
    feedback: Feedback | Auto = "auto"

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        search = validation is not None
        large = self.n_items > LARGE_CATALOGUE
        timed = search and interactions.timestamp is not None and not large
        lives = _choices(self.half_life_days, HALF_LIVES if timed else (None,))
        best = -1.0
        best_state: tuple[sp.csr_array, sp.csr_array] | None = None
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
                        self.score_block,
                        self.seen,
                        validation,
                        max_users=500 if large else 1000,
                        seed=run.seed,
                    )
                if reached > best:
                    best, best_state = reached, (self._feedback, self._similarity)
                    if search:
                        self.chosen = {"power": power, "half_life_days": life, "feedback": feedback}
        assert best_state is not None
        self._feedback, self._similarity = best_state

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._scores_of(self._feedback[user_rows])

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return self._scores_of(feedback_matrix(customers, self._counted))

    def _near_scores(self, customer: Interactions) -> NDArray[np.float32]:
        similarity, total = self._similarity, np.zeros(self.n_items, np.float32)
        if self._counted == "binary":
            items = np.unique(customer.item)
            counts = np.ones(items.size, np.float32)
        else:
            feedback = feedback_matrix(customer, self._counted)
            items, counts = feedback.indices, feedback.data
        starts, stops = similarity.indptr[items].tolist(), similarity.indptr[items + 1].tolist()
        for start, stop, count in zip(starts, stops, counts, strict=True):
            total[similarity.indices[start:stop]] += count * similarity.data[start:stop]
        return total

    @property
    def _counted(self) -> str:
        """Rule by which the fit counted interactions."""
        counted = self.chosen.get("feedback", self.feedback)
        return "binary" if counted == "auto" else counted

    def _scores_of(self, feedback: sp.csr_array) -> NDArray[np.float32]:
        return np.asarray(csr(feedback @ self._similarity).toarray(), np.float32)

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        return scores != 0

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            **sparse_state("similarity", self._similarity),
            **sparse_state("feedback", self._feedback),
        }

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        n_users, n_items = shape_of(self.seen)
        self._similarity = sparse_from_state("similarity", state, (n_items, n_items))
        self._feedback = sparse_from_state("feedback", state, (n_users, n_items))


def _choices(parameter: Any, candidates: tuple[Any, ...]) -> tuple[Any, ...]:
    return candidates if parameter == "auto" else (parameter,)
