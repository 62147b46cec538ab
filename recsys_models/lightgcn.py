"""LightGCN: embeddings smoothed over the user-item graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectral_start import LONGEST, embedding_length, is_large, spectral_start
from recsys_models.parameters.parameters import (
    Above0,
    AtLeast0,
    Auto,
    Count,
    DepthOrNone,
    Drawn,
    RoundsOrNone,
    Width,
)
from recsys_models.training.fit_run import FitRun
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    from recsys_models.training.trainer import Training


@dataclass(kw_only=True, eq=False)
class LightGCN(EmbeddingRecommender):
    """LightGCN (He et al. 2020, "LightGCN: Simplifying and powering graph convolution network for recommendation").

    `LightGCN.paper()` is the published model. The defaults differ where that was better on validation: edges weigh
    2^(-age / half-life), popular nodes are damped less, and training starts from the singular vectors of the
    normalised matrix, scaled so that propagation returns the spectral model's scores: epoch 0 is the spectral model.

    Args:
        dim: length of the embeddings; "auto": 64 on a small shop, else 1500, or less where the table would grow beyond
            `LARGEST_TABLE` numbers. A shop is small below 10,000 users or 10,000 items (`spectral_start.LARGE`).
        layers: number of convolutions over the graph.
        loss: "softmax" over sampled items, or "bpr".
        start: start embeddings, "spectral" or "normal" (standard deviation 0.1).
        exponent: nodes are scaled by degree^-exponent.
        half_life_days: age at which an interaction counts half, as an edge and as a training example; None: no decay.
            Without timestamps nothing decays.
        filter_power: power of the singular values in the spectral start's scores U S^filter_power Vᵀ.
        ridge: with a number, the spectral start's scores are U w(S) Vᵀ instead, w(s) = s · s² / (s² + ridge) as in
            `Spectral`; "auto": None on a small shop, else 4.
        item_gain: an item's smoothed vector is multiplied by degree^item_gain; "auto": 0 on a small shop, else 0.2.
        epochs: largest number of passes over the interactions; 0 keeps the start; "auto": 1 on a small shop, else 0,
            because an epoch then takes minutes and gains no more than a larger `dim` does at once.
        patience: number of epochs without a better validation NDCG@20 after which training stops; the best epoch is
            kept.
        batch: user-item pairs per step.
        largest_steps: largest number of steps per epoch; where there are more pairs, batches grow. Each step propagates
            over the whole graph, so without a bound (None) an epoch's time grows with the square of the edges.
        negatives: sampled items per step of the softmax.
        learning_rate: learning rate of Adam.
        l2: L2 penalty on the batch's start embeddings.
    """

    family: ClassVar[str] = "lightgcn"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True
    longest: ClassVar[int] = LONGEST

    dim: Width | Auto = "auto"
    layers: DepthOrNone = 3
    loss: Literal["softmax", "bpr"] = "softmax"
    start: Literal["spectral", "normal"] = "spectral"
    exponent: AtLeast0 = 0.3
    half_life_days: Above0 | None = 28.0
    filter_power: AtLeast0 = 2.0
    ridge: AtLeast0 | Auto | None = "auto"
    item_gain: AtLeast0 | Auto = "auto"
    epochs: RoundsOrNone | Auto = "auto"
    patience: Count = 1
    batch: Count = 16_384
    largest_steps: Count | None = 64
    negatives: Drawn = 256
    learning_rate: Above0 = 0.0003
    l2: AtLeast0 = 0.0

    @classmethod
    def paper(cls, *, epochs: int = 1000, **params: Any) -> LightGCN:
        """LightGCN as published: 64 dimensions, 3 layers, BPR, batches of 2,048 pairs, a normal start, L2 1e-4."""
        settings: dict[str, Any] = {
            "dim": 64,
            "loss": "bpr",
            "start": "normal",
            "exponent": 0.5,
            "half_life_days": None,
            "item_gain": 0.0,
            "batch": 2048,
            "largest_steps": None,
            "learning_rate": 1e-3,
            "l2": 1e-4,
            "patience": 50,
        }
        return cls(**{**settings, "epochs": epochs, **params})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._start = np.empty((0, 0), np.float32)

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        matrix = edge_weights(interactions, self.half_life_days)
        self._train(matrix, self._fresh_start(matrix, run.seed), validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        matrix = edge_weights(interactions, self.half_life_days)
        start = warm_start(before._start, before.user_ids, before.item_ids, interactions, matrix)
        self._train(matrix, start, validation, run)

    def drop_training_state(self) -> None:
        super().drop_training_state()
        self._start = np.empty((0, 0), np.float32)

    def _fold_edges(self, interactions: Interactions) -> list[sp.csr_array]:
        return [edge_weights(interactions, self.half_life_days)]

    def _fresh_start(self, matrix: sp.csr_array, seed: int) -> NDArray[np.float32]:
        """Start embeddings (n_users + n_items, dim) of a fit that knows no earlier model."""
        if self.start == "spectral":
            return spectral_start(
                matrix,
                dim=self.dim,
                longest=self.longest,
                layers=self.layers,
                exponent=self.exponent,
                filter_power=self.filter_power,
                ridge=self.ridge,
                gain=self.item_gain,
                seed=seed,
            )
        shape = (sum(shape_of(matrix)), embedding_length(matrix, self.dim, self.longest))
        return np.random.default_rng(seed).standard_normal(shape, np.float32) * 0.1

    def _train(
        self, matrix: sp.csr_array, start: NDArray[np.float32], validation: Interactions | None, run: FitRun
    ) -> None:
        from recsys_models.networks.lightgcn_fit import LightGCNFit

        self.training(matrix.nnz).run(
            self, lambda device: LightGCNFit(self, matrix, start, device), validation, run
        )
        if "batch" in self.chosen:
            self.chosen["largest_steps"] = None

    def training(self, pairs: int) -> Training:
        """The training schedule for a graph with this number of pairs."""
        from recsys_models.training.trainer import Training, bounded_batch

        batch = bounded_batch(self.batch, pairs, self.largest_steps)
        epochs = (0 if is_large(self.seen) else 1) if self.epochs == "auto" else int(self.epochs)
        return Training(epochs, self.patience, batch, from_start=True)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), "start": self._start}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._start = state["start"]
