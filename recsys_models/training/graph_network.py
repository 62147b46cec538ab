"""What the textbook graph networks share: features in, vectors out, cross-entropy on edges."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.features import Features
from recsys_models.data.ids import Ids
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.attention import Neighbours, at_nodes, neighbours, weighted_sum
from recsys_models.kernels.sparse import shape_of
from recsys_models.training.fit_run import FitRun
from recsys_models.training.trainer import Fit, Training, bounded_batch
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GraphNetwork(EmbeddingRecommender):
    """Nodes are users and items. A node's input is an embedding of its own plus a linear map of its features, where
    `with_features` gave any; the family's layers follow, and the score is the inner product of the last one.

    The loss is the cross-entropy of edge or no edge over interactions and, `negatives` times as many, pairs of
    their users and drawn items that somebody took. Every
    step convolves the whole graph: time is linear in edges, memory in edges and nodes · dim · layers.

    Args:
        dim: length of every layer's vectors.
        layers: how often neighbours are taken in.
        dropout: share of inputs to each layer set to 0 in training.
        negatives: pairs drawn for each interaction.
        epochs: passes at most; with validation the best one is kept, and `patience` epochs without a better one end
            the training.
        batch: interactions a step.
        largest_steps: an epoch has at most so many steps, of larger batches where there are more interactions, or its
            cost would grow with the square of the edges; None for no bound.
        least_steps: and about so many at least, of smaller batches where there are fewer interactions.
        learning_rate, l2: of Adam and its weight decay.
    """

    side_information: ClassVar[frozenset[str]] = frozenset({"item_features", "user_features"})
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    dim: int = 64
    layers: int = 2
    dropout: float = 0.1
    negatives: int = 4
    epochs: int = 10
    patience: int = 2
    batch: int = 32_768
    largest_steps: int | None = 64
    least_steps: int = 10
    learning_rate: float = 0.01
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.least_steps <= (self.largest_steps or self.least_steps):
            raise ValueError(
                f"{self.family}: least_steps: expected 1 to largest_steps={self.largest_steps}, "
                f"found {self.least_steps}"
            )
        self._learned: dict[str, NDArray[np.float32]] = {}

    @abstractmethod
    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        """The family's layers on this graph: a module from (n_nodes, dim) to the same, users first."""

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
        batch = bounded_batch(self.batch, self.seen.nnz, self.largest_steps, self.least_steps)
        training = Training(self.epochs, self.patience, batch, validation_users=2000)
        training.run(
            self, lambda device: _NetworkFit(self, start, learned, run.seed, device), validation, run
        )
        if "batch" in self.chosen:
            self.chosen["largest_steps"] = None

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), **{f"learned.{k}": v for k, v in self._learned.items()}}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._learned = {k.removeprefix("learned."): v for k, v in state.items() if k.startswith("learned.")}


class _NetworkFit(Fit):
    """Embeddings, feature maps and layers that learn."""

    def __init__(
        self,
        settings: GraphNetwork,
        start: NDArray[np.float32],
        learned: Mapping[str, NDArray[np.float32]],
        seed: int,
        device: str,
    ) -> None:
        import torch

        self._settings, self._device = settings, device
        self._pairs = settings.seen.tocoo()
        self._n_users = settings.user_ids.size
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.module = torch.nn.Module()
            self.module.own = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False)
            self.module.layers = settings._convolution(self._pairs, device)
            self._features: dict[str, tuple[Neighbours, torch.Tensor]] = {}
            for kind, features, ids in (
                ("user", settings.user_features, settings.user_ids),
                ("item", settings.item_features, settings.item_ids),
            ):
                table = feature_rows(features, ids)
                if table is not None:
                    self._features[kind] = _edges_of(table, device)
                    first = torch.randn(shape_of(table)[1], settings.dim) * 0.1
                    self.module.register_parameter(f"{kind}_map", torch.nn.Parameter(first))
        self.module.to(device)
        state = self.module.state_dict()
        for name, value in learned.items():
            if name in state and state[name].shape == value.shape:
                state[name] = torch.from_numpy(value.copy())
        self.module.load_state_dict(state)
        self.optimiser = torch.optim.Adam(
            self.module.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True
        )

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        import torch
        from torch.nn.functional import softplus

        settings, pairs, device = self._settings, self._pairs, self._device
        users = torch.from_numpy(pairs.row.astype(np.int64))
        items = torch.from_numpy(pairs.col.astype(np.int64))
        taken = torch.from_numpy(np.unique(pairs.col).astype(np.int64))
        for part in torch.randperm(users.numel(), generator=generator).split(batch):
            place = torch.randint(taken.numel(), (part.numel() * settings.negatives,), generator=generator)
            other = taken[place]
            user, item = users[part].to(device), items[part].to(device) + self._n_users
            vectors = self._vectors()
            taker = at_nodes(vectors, user)
            right = (taker * at_nodes(vectors, item)).sum(1)
            drawn = at_nodes(vectors, other.to(device) + self._n_users).view(part.numel(), -1, settings.dim)
            wrong = torch.einsum("bd,bnd->bn", taker, drawn)
            yield softplus(-right).mean() + softplus(wrong).mean()

    def state(self) -> dict[str, NDArray[Any]]:
        vectors = self._vectors().cpu().numpy()
        learned = {
            f"learned.{k}": v.detach().cpu().numpy().copy() for k, v in self.module.state_dict().items()
        }
        return {
            "user": vectors[: self._n_users].copy(),
            "item": vectors[self._n_users :].copy(),
            **learned,
        }

    def _vectors(self) -> torch.Tensor:
        import torch

        own = self.module.get_parameter("own.weight")
        parts = {"user": own[: self._n_users], "item": own[self._n_users :]}
        for kind, (edges, value) in self._features.items():
            features = self.module.get_parameter(f"{kind}_map")
            parts[kind] = parts[kind] + weighted_sum(edges, value, features[:, None])[:, 0]
        return self.module.get_submodule("layers")(torch.cat([parts["user"], parts["item"]]))


def feature_rows(features: Features | None, ids: Ids) -> sp.csr_array | None:
    """The features of these ids, shape (len(ids), f), each row of length 1 at most; None without features."""
    if features is None or not features.names:
        return None
    table = features.of(ids)
    length = np.sqrt(np.asarray(table.power(2).sum(axis=1))).ravel()
    return sp.csr_array(table * (1 / np.maximum(length, 1.0))[:, None].astype(np.float32))


def _edges_of(table: sp.csr_array, device: str) -> tuple[Neighbours, torch.Tensor]:
    """A feature table as weighted edges from features to nodes."""
    import torch

    cells = table.tocoo()
    n_rows, n_features = shape_of(table)
    edges, order = neighbours(cells.col, cells.row, n_features, n_rows, device=device)
    return edges, torch.from_numpy(np.asarray(cells.data, np.float32)[order][:, None]).to(device)
