"""The spectral family: a filtered singular value decomposition, the limit of LightGCN and its start."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.degrees import normalised
from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectral_filter import item_gain, spectral_filter
from recsys_models.kernels.truncated_svd import truncated_svd
from recsys_models.parameters.parameters import Above0, AtLeast0, Auto, Count, RoundsOrNone
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import choices, validation_ndcg

HALF_LIVES = (None, 28.0)
RIDGES = (0.0, 4.0, 64.0)
RANKS = (64, 128, 256, 512, 1000, 1500, 2000)
"""Values of `half_life_days`, `ridge` and `rank` that validation chooses from."""


@dataclass(kw_only=True, eq=False)
class Spectral(EmbeddingRecommender):
    """Spectral model: scores U w(S) (D_i^item_scale V)ᵀ of the truncated SVD of D_u^-exponent R D_i^-exponent.

    The filter w(s) = s · s² / (s² + ridge) damps what a Wiener filter takes for noise. Filters of the normalised
    matrix' spectrum are what graph convolutions approximate (Shen et al. 2021, "How powerful is graph convolution for
    recommendation?").

    Args:
        rank: number of singular vectors; "auto": the best of `RANKS` up to `largest_rank` on validation, without it
            `largest_rank`.
        largest_rank: bound of an automatic rank, for time and memory; a quarter of the smaller side, or 64, if less.
        exponent: power of the degrees that rows and columns are divided by.
        ridge: noise level of the filter; "auto": the best of `RIDGES` on validation, 4 without.
        item_scale: power of the degrees that items' scores are multiplied by; "auto": the better of 0 and 0.2 on
            validation, 0.2 without.
        half_life_days: age at which an interaction counts half; None: no decay; "auto": the better of `HALF_LIVES` on
            validation, None without.
        iterations: number of subspace iterations of the SVD.
    """

    family: ClassVar[str] = "spectral"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp"})
    depends_on_threads: ClassVar[bool] = True

    rank: Count | Auto = "auto"
    largest_rank: Count = 1500
    exponent: AtLeast0 = 0.3
    ridge: AtLeast0 | Auto = "auto"
    item_scale: AtLeast0 | Auto = "auto"
    half_life_days: Above0 | Auto | None = "auto"
    iterations: RoundsOrNone = 3

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        n = min(shape_of(self.seen))
        top = int(self.rank) if self.rank != "auto" else min(self.largest_rank, max(64, n // 4))
        search = validation is not None
        lives: tuple[float | str | None, ...] = (self.half_life_days,)
        if self.half_life_days == "auto":
            lives = HALF_LIVES if search and interactions.timestamp is not None else (None,)
        ranks = [r for r in RANKS if r < top] + [top] if search and self.rank == "auto" else [top]
        ridges = choices(self.ridge, RIDGES, search, 4.0)
        scales = choices(self.item_scale, (0.0, 0.2), search, 0.2)
        best = -1.0
        best_state: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        for life in lives:
            matrix = self.seen if life is None else latest_weights(interactions, float(life))
            left, values, right = truncated_svd(
                normalised(matrix, self.exponent, self.exponent),
                top,
                iterations=self.iterations,
                seed=run.seed,
            )
            for rank, ridge, scale in itertools.product(ranks, ridges, scales):
                half = np.sqrt(spectral_filter(values[:rank], ridge))
                self._user_vectors = left[:, :rank] * half
                self._item_factors = right[:, :rank] * half * item_gain(matrix, scale)
                reached = 0.0
                if validation is not None:
                    reached = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
                if reached > best:
                    best, best_state = reached, (self._user_vectors, self._item_factors)
                    if search:
                        self.chosen = {
                            "rank": rank,
                            "ridge": ridge,
                            "item_scale": scale,
                            "half_life_days": life,
                        }
        assert best_state is not None
        self._user_vectors, self._item_factors = best_state

    def _fold_edges(self, interactions: Interactions) -> list[sp.csr_array]:
        life = self.chosen.get("half_life_days", self.half_life_days)
        return [
            interactions.user_items() if life in (None, "auto") else latest_weights(interactions, float(life))
        ]

    def _fold_exponents(self) -> tuple[Sequence[float], Sequence[float]]:
        """Exponents that turn the fit's item vectors into its singular vectors: the map is then the inverse of S."""
        gain = self.chosen.get("item_scale", self.item_scale)
        return (self.exponent + (0.2 if gain == "auto" else float(gain)),), (self.exponent,)
