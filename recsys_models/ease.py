"""EASE: the best linear item-to-item model in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from recsys_models.data.interactions import Interactions
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.degrees import degrees
from recsys_models.kernels.sparse import csr
from recsys_models.parameters.parameters import Above0, Auto, Count
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import choices, validation_ndcg

PENALTIES = (1.0, 5.0, 25.0)
"""Values of `penalty` that validation chooses from."""


@dataclass(kw_only=True, eq=False)
class Ease(Recommender):
    """EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data", equation 8): scores X B with the item
    weights B that reproduce the interactions X best under an L2 penalty and a zero diagonal.

    B is a dense square, so it covers the most popular items only. Other items, and items without a weight to any of the
    user's items, are listed by popularity.

    Args:
        items: number of items that B covers; memory is 8 · items² bytes, time grows with the cube.
        penalty: L2 penalty as a multiple of the mean number of users per item; "auto": the best of `PENALTIES` on
            validation, 1 without.
    """

    family: ClassVar[str] = "ease"

    items: Count = 6000
    penalty: Above0 | Auto = "auto"

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        _, by_item = degrees(self.seen)
        self._kept = np.sort(np.argsort(-by_item, kind="stable")[: self.items])
        self._rest = (by_item / (by_item.max() + 1) - 1).astype(np.float32)
        known = csr(self.seen[:, self._kept])
        gram = np.asarray((known.T @ known).todense(), np.float64)
        mean = float(np.trace(gram) / self._kept.size)
        best = -1.0
        kept: NDArray[np.float32] | None = None
        for penalty in choices(self.penalty, PENALTIES, validation is not None, 1.0):
            regular = gram.copy()
            regular[np.diag_indices_from(regular)] += penalty * mean
            inverse = cho_solve(cho_factor(regular, overwrite_a=True), np.eye(self._kept.size))
            weights = -inverse / np.diag(inverse)
            np.fill_diagonal(weights, 0)
            # by rows, of which a product with few items reads few
            self._weights = weights.astype(np.float32, order="C")
            reached = 0.0
            if validation is not None:
                reached = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
            if reached > best:
                best, kept = reached, self._weights
                if validation is not None:
                    self.chosen = {"penalty": penalty}
        assert kept is not None
        self._weights = kept

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._scores_of(self.seen[user_rows])

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return self._scores_of(customers.user_items())

    def _scores_of(self, taken: sp.csr_array) -> NDArray[np.float32]:
        """Scores of users with these items, users by items; items outside the square score just below the user's
        lowest.

        Much lower scores would dominate a weighted sum of standardised scores.
        """
        inside = csr(taken[:, self._kept]) @ self._weights
        scores = 1e-3 * np.tile(self._rest, (taken.indptr.size - 1, 1))
        scores += np.min(inside, axis=1, initial=0)[:, None]
        scores[:, self._kept] = inside
        return scores

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        known = np.zeros_like(scores, bool)
        known[:, self._kept] = scores[:, self._kept] != 0
        return known

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"kept": self._kept, "rest": self._rest, "weights": self._weights}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        kept = state["kept"]
        must_be(kept, "kept", shape=(None,), kind="i")
        must_be(state["rest"], "rest", shape=(self.item_ids.size,), kind="f")
        must_be(state["weights"], "weights", shape=(kept.size, kept.size), kind="f")
        if kept.size and not 0 <= kept.min() <= kept.max() < self.item_ids.size:
            raise ValueError(f"kept: expected rows of {self.item_ids.size} items, found others")
        self._kept, self._rest, self._weights = state["kept"], state["rest"], state["weights"]
