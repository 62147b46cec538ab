"""The fused graph network: convolution for nodes, attention for relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.spectral_start import spectral_start
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out

PARTS = ("both", "gcn", "gat")


@dataclass(kw_only=True, eq=False)
class GNNR(EmbeddingRecommender):
    """LightGCN from a spectral start (epoch 0), whose edges learn to attend.

    Attention sees behaviours, recency, degrees and, after `with_relations`, relations between items; see
    `gnn_r_network.network`. It learns from what came next: the graph ends `horizon_days` before the data does, and
    the items that each user took for the first time after that are to stand high among the `candidates` that the
    network itself ranks first. What it learned then holds for the whole graph. Validation keeps the best epoch, so
    there the start can only be improved on. Time is linear in pairs.

    Relations that were counted on the last days too know a little of what attention is to foresee.

    Args:
        parts: "both"; for comparison "gcn", convolution without attention, or "gat", attention without convolution.
        dim, layers, exponent, half_life_days, filter_power: of LightGCN.
        horizon_days: how many of the last days are to be foreseen. Without timestamps, or where they hold most of the
            interactions, a fifth of the interactions is.
        candidates: best items of each user that are told apart.
        epochs: at most; 0 is LightGCN without training.
        patience: stop after so many epochs without a better validation NDCG@20; the best epoch is kept.
        steps: an epoch.
        batch: users a step.
        learning_rate: of Adam; for b and the slopes a hundredth.
    """

    family: ClassVar[str] = "gnn_r"

    parts: str = "both"
    dim: int | str = "auto"
    layers: int = 3
    exponent: float = 0.3
    half_life_days: float | None = 28.0
    filter_power: float = 2.0
    horizon_days: float = 28.0
    candidates: int = 200
    epochs: int = 6
    patience: int = 2
    steps: int = 5
    batch: int = 256
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parts not in PARTS:
            raise ValueError(f"gnn_r: parts: expected one of {PARTS}, found {self.parts!r}")
        self._learned: dict[str, NDArray[np.float32]] = {}

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        self._train(interactions, validation, run, {})

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        self._train(interactions, validation, run, before._learned)

    def _train(
        self,
        interactions: Interactions,
        validation: Interactions | None,
        run: FitRun,
        learned: Mapping[str, NDArray[np.float32]],
    ) -> None:
        from recsys_models.gnn_r.gnn_r_fit import GNNRFit
        from recsys_models.training.trainer import Training

        known, held = past_and_next(interactions, self.horizon_days, run.seed)
        now = self._start(interactions, run.seed)
        before = self._start(known, run.seed)
        before = (before[0], turned(before[1], now[1]))
        training = Training(self.epochs, self.patience, self.batch, from_start=True)
        training.run(
            self,
            lambda device: GNNRFit(self, (interactions, *now), (known, *before), held, learned, device),
            validation,
            run,
        )

    def _start(self, interactions: Interactions, seed: int) -> tuple[sp.csr_array, NDArray[np.float32]]:
        """The weighted edges, and the start embeddings that propagation turns into the spectral model."""
        matrix = edge_weights(interactions, self.half_life_days)
        start = spectral_start(
            matrix,
            dim=self.dim,
            layers=self.layers,
            exponent=self.exponent,
            filter_power=self.filter_power,
            seed=seed,
        )
        return matrix, start

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), **{f"learned.{k}": v for k, v in self._learned.items()}}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._learned = {k.removeprefix("learned."): v for k, v in state.items() if k.startswith("learned.")}


def past_and_next(
    interactions: Interactions, horizon_days: float, seed: int
) -> tuple[Interactions, Interactions]:
    """The interactions before the last `horizon_days` and those in them; where fewer than half are left before, or
    without timestamps, all but a fifth and that fifth."""
    if interactions.timestamp is not None:
        cut = int(interactions.timestamp.max() - horizon_days * DAY)
        if (interactions.timestamp < cut).mean() >= 0.5:
            return interactions.between(end=cut), interactions.between(start=cut)
    return hold_out(interactions, share=0.2, seed=seed)


def turned(vectors: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors rotated so that they come closest to others, which no inner product of theirs notices (Schönemann
    1966, the orthogonal Procrustes problem). Shapes (n, d)."""
    left, _, right = np.linalg.svd((vectors.T @ like).astype(np.float64))
    return (vectors @ (left @ right)).astype(np.float32)
