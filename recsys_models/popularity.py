"""Popularity: items by how often they were taken recently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import decay, recency_weights
from recsys_models.fitted.state_arrays import must_be
from recsys_models.parameters.parameters import Above0, AtLeast0, Auto
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import ranking_ndcg

HALF_LIVES: tuple[float | None, ...] = (3.5, 7.0, 14.0, 28.0, 56.0, 112.0, None)
"""Values of `half_life_days` that validation chooses from."""


@dataclass(kw_only=True, eq=False)
class Popularity(Recommender):
    """Popularity, the same for all users: the sum of an item's decayed interactions, those of each user damped by
    `power`.

    score(i) = Σ_u recency(u, i) · (Σ weight · 2^(-earlier / half-life)) ^ power

    The inner sum runs over the interactions of u with i, each decayed by how much earlier it is than their latest one;
    recency is 2^(-age / half-life) of that one. So power 1 is the sum of all decayed weights, and with power 0 each
    user counts once, by the latest interaction.

    Args:
        half_life_days: age at which an interaction counts half; None: no decay; "auto": the best of `HALF_LIVES` on
            validation, 28 without.
        power: 1 counts interactions, 0 counts users; "auto": the better of the two on validation, 1 without.
    """

    family: ClassVar[str] = "popularity"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp", "weight"})

    half_life_days: Above0 | Auto | None = "auto"
    power: AtLeast0 | Auto = "auto"

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        timed = interactions.timestamp is not None
        lives = [self.half_life_days]
        if self.half_life_days == "auto":
            lives = (list(HALF_LIVES) if validation is not None else [28.0]) if timed else [None]
        powers = [self.power]
        if self.power == "auto":
            powers = [1.0, 0.0] if validation is not None else [1.0]
        best = -1.0
        for life in lives:
            for power in powers:
                counts = _counts(interactions, life, float(power))  # type: ignore[arg-type]
                if len(lives) * len(powers) == 1:
                    self._count = counts
                    return
                assert validation is not None
                reached = ranking_ndcg(counts, self.seen, validation, max_users=1000, seed=run.seed)
                if reached > best:
                    best, self._count = reached, counts
                    self.chosen = {"half_life_days": life, "power": power}

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.tile(self._count, (user_rows.size, 1))

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return self.score_block(np.arange(customers.n_users))

    def _near_scores(self, customer: Interactions) -> NDArray[np.float32]:
        return self._count.copy()

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"count": self._count}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        must_be(state["count"], "count", shape=(self.item_ids.size,), kind="f")
        self._count = state["count"]


def _counts(interactions: Interactions, half_life_days: float | None, power: float) -> NDArray[np.float32]:
    """Popularity of each item, shape (n_items,), as `Popularity` defines it."""
    weights = recency_weights(interactions, half_life_days)
    if power == 1.0:
        return np.bincount(interactions.item, weights, interactions.n_items).astype(np.float32)
    pair = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
    distinct, place = np.unique(pair, return_inverse=True)
    latest = np.zeros(distinct.size)
    np.maximum.at(latest, place, decay(interactions, half_life_days))
    summed = np.bincount(place, weights, distinct.size) / np.maximum(latest, 1e-300)
    return np.bincount(distinct % interactions.n_items, latest * summed**power, interactions.n_items).astype(
        np.float32
    )
