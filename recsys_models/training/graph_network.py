"""The base of the textbook graph networks: features in, vectors out, cross-entropy on edges."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.links import Links
from recsys_models.parameters.parameters import (
    Above0,
    AtLeast0,
    Count,
    Depth,
    Drawn,
    Dropout,
    RoundsOrNone,
    Width,
)
from recsys_models.training.fit_run import FitRun
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GraphNetwork(EmbeddingRecommender):
    """A graph network on users and items, whose layers the family gives.

    A node's input is an embedding of its own plus a linear map of its features, where `with_features` gave any; the
    family's layers follow, and the score is the inner product of the last layer's vectors. The loss is the
    cross-entropy of edge or no edge over the interactions and, `negatives` times as many, pairs of their users with
    drawn items that somebody took. Every step convolves the whole graph: time is linear in edges, memory in edges and
    in nodes · dim · layers.

    Args:
        dim: length of every layer's vectors.
        layers: number of layers, each of which takes in the neighbours once more.
        dropout: share of each layer's inputs that is set to 0 in training.
        negatives: pairs drawn per interaction.
        epochs: largest number of passes over the interactions; with validation the best one is kept.
        patience: number of epochs without a better validation NDCG@20 after which training stops.
        batch: interactions per step.
        largest_steps: largest number of steps per epoch; where there are more interactions, batches grow. Without a
            bound (None) an epoch's time grows with the square of the edges.
        least_steps: smallest number of steps per epoch, about; where there are fewer interactions, batches shrink.
        learning_rate: learning rate of Adam.
        l2: weight decay of Adam.
    """

    side_information: ClassVar[frozenset[str]] = frozenset({"item_features", "user_features"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    dim: Width = 64
    layers: Depth = 2
    dropout: Dropout = 0.1
    negatives: Drawn = 4
    epochs: RoundsOrNone = 10
    patience: Count = 2
    batch: Count = 32_768
    largest_steps: Count | None = 64
    least_steps: Count = 10
    learning_rate: Above0 = 0.01
    l2: AtLeast0 = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least_steps > (self.largest_steps or self.least_steps):
            raise ValueError(
                f"{self.family}: least_steps: expected 1 to largest_steps={self.largest_steps}, "
                f"found {self.least_steps}"
            )
        self._learned: dict[str, NDArray[np.float32]] = {}

    @abstractmethod
    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        """The family's layers on this graph: a module from nodes (n_nodes, dim) to the same shape, users first."""

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        n_nodes = interactions.n_users + interactions.n_items
        start = np.random.default_rng(run.seed).standard_normal((n_nodes, self.dim), np.float32) * 0.1
        self._train(start, validation, run, {})

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        learned = dict(before._learned)
        own = learned.pop("own.weight")
        start = warm_start(own, before.user_ids, before.item_ids, interactions, self.seen)
        self._train(start, validation, run, learned)

    def _train(
        self,
        start: NDArray[np.float32],
        validation: Interactions | None,
        run: FitRun,
        learned: Mapping[str, NDArray[np.float32]],
    ) -> None:
        from recsys_models.networks.graph_network_fit import GraphNetworkFit
        from recsys_models.training.trainer import Training, bounded_batch

        batch = bounded_batch(self.batch, self.seen.nnz, self.largest_steps, self.least_steps)
        training = Training(self.epochs, self.patience, batch, validation_users=2000)
        training.run(
            self, lambda device: GraphNetworkFit(self, start, learned, run.seed, device), validation, run
        )
        if "batch" in self.chosen:
            self.chosen["largest_steps"] = None
        users = None if self.user_features is None else self.user_features.of(self.user_ids)
        items = None if self.item_features is None else self.item_features.of(self.item_ids)
        described = users is not None or items is not None
        self._fit_links = Links.of(self.seen, user_features=users, item_features=items) if described else None

    def _items_judged(self) -> NDArray[np.bool_]:
        if "item_map" not in self._learned:
            return super()._items_judged()
        if self._fit_links is None:
            return np.ones(self.n_items, bool)  # a file of before links were kept
        return self._fit_links.known

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), **{f"learned.{k}": v for k, v in self._learned.items()}}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._learned = {k.removeprefix("learned."): v for k, v in state.items() if k.startswith("learned.")}
