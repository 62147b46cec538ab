"""User-based collaborative filtering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.kernels.degrees import degrees, inverse_power
from recsys_models.kernels.near_rows import NearRows
from recsys_models.kernels.neighbours import cosine_neighbours, sparse_from_state, sparse_state
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.parameters.parameters import Above0, AtLeast0, Auto, Count
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import choices, validation_ndcg

POWERS = (1.0, 2.0)
"""Values of `power` that validation chooses from."""
HALF_LIVES = (None, 28.0, 84.0)
"""Values of `half_life_days` that validation chooses from."""


@dataclass(kw_only=True, eq=False)
class UserNeighbours(Recommender):
    """User-based collaborative filtering: an item scores by how similar the users who have it are to the user.

    score(u, i) = Σ_v similarity(u, v) ^ power · feedback(v, i) · (users of i) ^ -popularity_damping

    The sum runs over u and the nearest users v. similarity(u, v) = Σ (users of i) ^ -2 rarity / √(items of u · items of
    v) over the items i of both: what few people share says more about them than what everybody has. With rarity 0 this
    is the cosine of the users' rows; with more it is none, because the lengths below stay those of plain rows. The true
    cosine of the weighted rows ranks no better.

    Args:
        neighbours: number of nearest users kept for each user.
        power: power of the similarity; above 1 it trusts near users more.
        rarity: power by which items of many users count less in the similarity.
        popularity_damping: power by which items of many users score less; "auto": 0 or 0.3, the better on validation,
            0.3 without.
        half_life_days: age at which an interaction counts half as feedback; None: no decay.

    "auto" is the best of `POWERS` and `HALF_LIVES` on validation; 2 and None without.
    """

    family: ClassVar[str] = "user_neighbours"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp"})

    neighbours: Count = 400
    power: Above0 | Auto = "auto"
    rarity: AtLeast0 = 0.3
    popularity_damping: AtLeast0 | Auto = "auto"
    half_life_days: Above0 | Auto | None = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._near: NearRows | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        _, by_item = degrees(self.seen)
        rare = sp.csr_array(self.seen * inverse_power(by_item, self.rarity)[None, :])
        by_user = np.sqrt(np.diff(self.seen.indptr).astype(np.float64))
        cosine = sp.csr_array(cosine_neighbours(sp.csr_array(rare.T), self.neighbours, length=by_user).T)
        search = validation is not None
        lives = HALF_LIVES if search and interactions.timestamp is not None else (None,)
        best = -1.0
        best_state: tuple[sp.csr_array, sp.csr_array] | None = None
        for life in lives if self.half_life_days == "auto" else (self.half_life_days,):
            feedback = self.seen if life is None else latest_weights(interactions, float(life))
            for damping in choices(self.popularity_damping, (0.0, 0.3), search, 0.3):
                self._feedback = sp.csr_array(feedback * inverse_power(by_item, damping)[None, :])
                for power in choices(self.power, POWERS, search, 2.0):
                    self._similarity = cosine.copy()
                    self._similarity.data **= power
                    reached = 0.0
                    if validation is not None:
                        reached = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
                    if reached > best:
                        best, best_state = reached, (self._feedback, self._similarity)
                        if search:
                            self.chosen = {
                                "power": power,
                                "half_life_days": life,
                                "popularity_damping": damping,
                            }
        assert best_state is not None
        self._feedback, self._similarity = best_state

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray((self._similarity[user_rows] @ self._feedback).todense(), np.float32)

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        near = self._near
        if near is None or near.rows is not self.seen:
            near = self._near = NearRows(self.seen, self.rarity, self.neighbours)
        others, own = near.of(customers.user_items())
        power = self._effective("power", 2.0)
        damping = inverse_power(near.by_column, self._effective("popularity_damping", 0.3))
        life = self.chosen.get("half_life_days", self.half_life_days)
        taken = customers.user_items() if life in (None, "auto") else latest_weights(customers, float(life))
        others.data **= power
        scores = np.asarray(csr(others @ self._feedback).toarray(), np.float32)
        owner = np.repeat(np.arange(customers.n_users), np.diff(taken.indptr))
        scores[owner, taken.indices] += (own**power)[owner] * taken.data * damping[taken.indices]
        return scores

    def _effective(self, name: str, without_validation: float) -> float:
        value = self.chosen.get(name, getattr(self, name))
        return without_validation if value == "auto" else float(value)

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        return scores != 0

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**sparse_state("similarity", self._similarity), **sparse_state("feedback", self._feedback)}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        n_users, n_items = shape_of(self.seen)
        self._similarity = sparse_from_state("similarity", state, (n_users, n_users))
        self._feedback = sparse_from_state("feedback", state, (n_users, n_items))
