"""GNN-R, the fused graph network: convolution for nodes, attention for relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.links import Links
from recsys_models.kernels.spectral_start import spectral_start
from recsys_models.parameters.parameters import (
    Above0,
    AtLeast0,
    Auto,
    Count,
    DepthOrNone,
    Rounds,
    RoundsOrNone,
    Width,
)
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out


@dataclass(kw_only=True, eq=False)
class GNNR(EmbeddingRecommender):
    """LightGCN from a spectral start, whose edges learn attention; epoch 0 is LightGCN.

    The inputs of the attention are behaviours, recency, degrees and, after `with_relations`, relations between items;
    see `gnn_r_network.GNNRNetwork`. It learns to predict what comes next: the graph of the past ends `horizon_days`
    before the data does, and the items that each user took for the first time after that should rank high among the
    `candidates` that the network itself ranks first. The learned attention is then applied to the whole graph.
    Validation keeps the best epoch, so there training can only improve on the start. Time is linear in pairs.

    Relations that also count the last days leak a little of what attention has to predict.

    Args:
        parts: "both"; for comparison "gcn", convolution without attention, or "gat", attention without convolution.
        dim, layers, exponent, half_life_days, filter_power: as in `LightGCN`.
        horizon_days: number of last days to be predicted. Where these days hold most of the interactions,
            the latest fifth is predicted instead; without timestamps, a random fifth.
        candidates: number of each user's best items among which the loss ranks.
        epochs: largest number of epochs; 0 is LightGCN without training.
        patience: number of epochs without a better validation NDCG@20 after which training stops; the best epoch is
            kept.
        steps: steps per epoch.
        batch: users per step.
        learning_rate: learning rate of Adam; a hundredth of it for the biases and the PReLU slopes.
    """

    family: ClassVar[str] = "gnn_r"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"behaviour", "timestamp", "weight"})
    side_information: ClassVar[frozenset[str]] = frozenset({"relations"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    parts: Literal["both", "gcn", "gat"] = "both"
    dim: Width | Auto = "auto"
    layers: DepthOrNone = 3
    exponent: AtLeast0 = 0.3
    half_life_days: Above0 | None = 28.0
    filter_power: AtLeast0 = 2.0
    horizon_days: Above0 = 28.0
    candidates: Count = 200
    epochs: RoundsOrNone = 6
    patience: Count = 2
    steps: Rounds = 5
    batch: Count = 256
    learning_rate: Above0 = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
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
        self._fit_links = self._links_with_relations(interactions)

    def _links_with_relations(self, interactions: Interactions) -> Links | None:
        """The links of interactions and of relations with an effect; None where no relation has one."""
        from recsys_models.gnn_r.relation_graph import relations_between_items

        gates = self._learned.get("gate", np.empty(0, np.float32))
        related = relations_between_items(self.relations, interactions) if gates.any() else {}
        open_relations = [ends[:2] for ends, gate in zip(related.values(), gates, strict=False) if gate]
        # each layer passes on what the sources have by then
        has = next_has = super()._items_judged()
        for _ in range(self.layers):
            has, next_has = next_has, next_has.copy()
            for source, target in open_relations:
                next_has[target[has[source]]] = True
        passing = [(source[has[source]], target[has[source]]) for source, target in open_relations]
        return Links.of(self.seen, relations=passing) if passing else None

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

    def _fold_edges(self, interactions: Interactions) -> list[sp.csr_array]:
        """Edges with their weights in the convolution; attention or equal weights did not improve the lists."""
        edges = [edge_weights(interactions, self.half_life_days)]
        # of a file in which the sum of all edges alike came second
        if self._fold_map is not None and self._fold_map.n_edges > 1:
            edges.append(interactions.user_items())
        return edges

    def _items_judged(self) -> NDArray[np.bool_]:
        return super()._items_judged() if self._fit_links is None else self._fit_links.known

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), **{f"learned.{k}": v for k, v in self._learned.items()}}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._learned = {k.removeprefix("learned."): v for k, v in state.items() if k.startswith("learned.")}


def past_and_next(
    interactions: Interactions, horizon_days: float, seed: int
) -> tuple[Interactions, Interactions]:
    """The interactions before the last `horizon_days`, and those in them.

    Where fewer than half of the interactions come before, or without timestamps, a fifth is held out instead.
    """
    if interactions.timestamp is not None:
        cut = int(interactions.timestamp.max() - horizon_days * DAY)
        if (interactions.timestamp < cut).mean() >= 0.5:
            return interactions.between(end=cut), interactions.between(start=cut)
    return hold_out(interactions, share=0.2, seed=seed)


def turned(vectors: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors rotated as close to others as possible, which changes no inner product among them (Schönemann 1966,
    the orthogonal Procrustes problem). Shapes (n, d)."""
    left, _, right = np.linalg.svd((vectors.T @ like).astype(np.float64))
    return (vectors @ (left @ right)).astype(np.float32)
