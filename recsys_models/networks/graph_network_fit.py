"""Training of the textbook graph networks with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus

from recsys_models.data.features import Features
from recsys_models.data.ids import Ids
from recsys_models.kernels.attention import SortedEdges, at_nodes, sorted_edges, weighted_sum
from recsys_models.kernels.sparse import shape_of
from recsys_models.training.own_draws import OwnDraws
from recsys_models.training.start_values import take_over
from recsys_models.training.trainer import Fit

if TYPE_CHECKING:
    from recsys_models.training.graph_network import GraphNetwork


class GraphNetworkFit(Fit):
    """Training of a graph network: embeddings, feature maps and layers learn."""

    uses_dropout = True

    def __init__(
        self,
        settings: GraphNetwork,
        start: NDArray[np.float32],
        learned: Mapping[str, NDArray[np.float32]],
        seed: int,
        device: str,
    ) -> None:
        self._settings, self._device = settings, device
        self._pairs = settings.seen.tocoo()
        self._n_users = settings.user_ids.size
        with OwnDraws(seed):
            self.module = torch.nn.Module()
            self.module.own = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False)
            self.module.layers = settings._convolution(self._pairs, device)
            self._features: dict[str, tuple[SortedEdges, torch.Tensor]] = {}
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
        own = {"own.weight": start} if learned else {}
        self.incidents = take_over(self.module, {**learned, **own})
        self.optimiser = torch.optim.Adam(
            self.module.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True
        )

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
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
        own = self.module.get_parameter("own.weight")
        parts = {"user": own[: self._n_users], "item": own[self._n_users :]}
        for kind, (edges, value) in self._features.items():
            features = self.module.get_parameter(f"{kind}_map")
            parts[kind] = parts[kind] + weighted_sum(edges, value, features[:, None])[:, 0]
        return self.module.get_submodule("layers")(torch.cat([parts["user"], parts["item"]]))


def feature_rows(features: Features | None, ids: Ids) -> sp.csr_array | None:
    """Features of these ids, shape (len(ids), f), each row scaled to length 1 at most; None without features."""
    if features is None or not features.names:
        return None
    table = features.of(ids)
    length = np.sqrt(np.asarray(table.power(2).sum(axis=1))).ravel()
    return sp.csr_array(table * (1 / np.maximum(length, 1.0))[:, None].astype(np.float32))


def _edges_of(table: sp.csr_array, device: str) -> tuple[SortedEdges, torch.Tensor]:
    """A feature table as weighted edges from features to nodes, so that its product with a map has a gradient."""
    cells = table.tocoo()
    n_rows, n_features = shape_of(table)
    edges, order = sorted_edges(cells.col, cells.row, n_features, n_rows, device=device)
    return edges, torch.from_numpy(np.asarray(cells.data, np.float32)[order][:, None]).to(device)
