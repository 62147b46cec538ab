"""Content-based recommendations: items whose features are like those of the user's items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import FEEDBACKS, Feedback, feedback_matrix
from recsys_models.data.interactions import Interactions
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.neighbours import sparse_from_state, sparse_state
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.parameters.parameters import AtLeast0, Auto
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import validation_ndcg


@dataclass(kw_only=True, eq=False)
class Content(Recommender):
    """Content-based family: how well an item's features match the user's preference, plus the item's popularity.

    score(u, i) = ⟨preference of u, profile of i⟩ + popularity_weight · share of users who have i

    A profile is the item's features at length 1. A preference is the sum of the profiles of the user's items, weighted
    by feedback, minus the mean profile of the catalogue times the same weight: what the user likes more than others do.
    Features come from `with_features`; without any, an item's features are the users who have it.

    Args:
        feedback: how interactions count, a name of `FEEDBACKS`; "auto": the best on validation, "binary" without.
        popularity_weight: weight of the popularity term; "auto": the best of 0, 0.3 and 1 on validation, 0 without.
    """

    family: ClassVar[str] = "content"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp", "weight"})
    side_information: ClassVar[frozenset[str]] = frozenset({"item_features"})

    feedback: Feedback | Auto = "auto"
    popularity_weight: AtLeast0 | Auto = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._turned: tuple[sp.csr_array, sp.csr_array] | None = None
        self._usual: tuple[sp.csr_array, NDArray[np.float32]] | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        described = (
            self.item_features.of(self.item_ids) if self.item_features is not None else csr(self.seen.T)
        )
        length = np.sqrt(np.asarray(described.power(2).sum(axis=1)).ravel())
        self._profile = csr(described * (1 / np.maximum(length, 1e-12))[:, None])
        self._share = np.asarray(self.seen.sum(axis=0), np.float32).ravel() / shape_of(self.seen)[0]
        search = validation is not None
        feedbacks = FEEDBACKS if search else ("binary",)
        weights = (0.0, 0.3, 1.0) if search else (0.0,)
        best = -1.0
        best_state: tuple[sp.csr_array, float] | None = None
        for feedback in feedbacks if self.feedback == "auto" else (self.feedback,):
            self._preference = self._preferences(interactions, feedback)
            for weight in weights if self.popularity_weight == "auto" else (float(self.popularity_weight),):
                self._weight = weight
                reached = 0.0
                if validation is not None:
                    reached = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
                if reached > best:
                    best, best_state = reached, (self._preference, weight)
                    if search:
                        self.chosen = {"feedback": feedback, "popularity_weight": weight}
        assert best_state is not None
        self._preference, self._weight = best_state

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._scores_of(self._preference[user_rows])

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        counted = self.chosen.get("feedback", self.feedback)
        return self._scores_of(self._preferences(customers, "binary" if counted == "auto" else counted))

    def _scores_of(self, preference: sp.csr_array) -> NDArray[np.float32]:
        scores = np.asarray(csr(preference @ self._items_of_features()).toarray(), np.float32)
        return scores + self._offset()

    def _items_of_features(self) -> sp.csr_array:
        """The profiles, features by items."""
        if self._turned is None or self._turned[0] is not self._profile:
            self._turned = (self._profile, csr(self._profile.T))
        return self._turned[1]

    def _preferences(self, interactions: Interactions, feedback: str) -> sp.csr_array:
        """Weighted means of the profiles of the users' items, users by features."""
        liked = feedback_matrix(interactions, feedback)
        total = np.maximum(np.asarray(liked.sum(axis=1)).ravel(), 1e-12)
        return csr(csr(liked * (1 / total)[:, None]) @ self._profile)

    def _offset(self) -> NDArray[np.float32]:
        """An item's score for a user whose preference has no feature of it, shape (n_items,)."""
        if self._usual is None or self._usual[0] is not self._profile:
            usual = np.asarray(self._profile.mean(axis=0), np.float32).ravel()
            self._usual = (self._profile, self._profile @ usual)
        return np.asarray(self._weight * self._share - self._usual[1], np.float32)

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        return scores != self._offset()

    def _items_judged(self) -> NDArray[np.bool_]:
        return np.diff(self._profile.indptr) > 0

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            "share": self._share,
            "weight": np.array([self._weight], np.float32),
            "width": np.array([shape_of(self._profile)[1]]),
            **sparse_state("profile", self._profile),
            **sparse_state("preference", self._preference),
        }

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        width = int(state["width"][0])
        must_be(state["share"], "share", shape=(self.item_ids.size,), kind="f")
        self._share, self._weight = state["share"], float(state["weight"][0])
        self._profile = sparse_from_state("profile", state, (self.item_ids.size, width))
        self._preference = sparse_from_state("preference", state, (self.user_ids.size, width))

    def _item_vectors(self) -> sp.csr_array:
        return self._profile
