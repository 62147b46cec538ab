"""The graph of GNN-R: user-item pairs with convolution weights and attention inputs, and item relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.data.graph import InteractionGraph
from recsys_models.data.ids import rows_of
from recsys_models.data.interactions import Interactions
from recsys_models.gnn_r.pair_features import cosines, pair_features
from recsys_models.kernels.attention import SortedEdges, sorted_edges
from recsys_models.kernels.propagation import propagation_graph


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each column of a table, so that two tables are standardised alike."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, table: NDArray[np.float32]) -> Scale:
        """The scale of a table; a column without spread has an infinite deviation."""
        deviation = table.std(0) if table.size else np.zeros(table.shape[1], np.float32)
        mean = table.mean(0) if table.size else np.zeros(table.shape[1], np.float32)
        return cls(mean, np.where(deviation > 1e-6, deviation, np.inf).astype(np.float32))

    def apply(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """The table standardised; a column without spread is all zeros."""
        return ((table - self.mean) / self.deviation).astype(np.float32)


@dataclass(frozen=True)
class Relation:
    """One item relation: its edges, and their standardised attention inputs, shape (edges, 3)."""

    edges: SortedEdges
    inputs: torch.Tensor


@dataclass(frozen=True)
class RelationGraph:
    """User-item pairs and item relations on one device, as the network takes them.

    Attributes:
        to_users, to_items: the pairs as edges, by their target.
        item_order: the place in `to_users` of each edge of `to_items`.
        convolution: float32, one per pair: LightGCN's weight.
        inputs: float32, shape (pairs, f): standardised attention inputs.
        users, items: start embeddings.
        relations: one per item relation.
    """

    to_users: SortedEdges
    to_items: SortedEdges
    item_order: torch.Tensor
    convolution: torch.Tensor
    inputs: torch.Tensor
    users: torch.Tensor
    items: torch.Tensor
    relations: tuple[Relation, ...]


def relation_graph(
    interactions: Interactions,
    matrix: sp.csr_array,
    start: NDArray[np.float32],
    exponent: float,
    item_relations: Sequence[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]] = (),
    scale: Scale | None = None,
    *,
    device: str,
    kernel: str = "auto",
) -> tuple[RelationGraph, Scale]:
    """The graph of these interactions; it takes about 100 + 4 f bytes per pair.

    Args:
        matrix: weight of each pair in the convolution.
        start: start embeddings, shape (n_users + n_items, d).
        exponent: power of the degrees in LightGCN's norm.
        item_relations: source, target and weight of each relation's edges.
        scale: scale of the pairs' inputs; their own by default.

    Returns:
        The graph, and the scale that was used.
    """
    n_users, n_items = interactions.n_users, interactions.n_items
    pairs, table, _ = pair_features(interactions, start)
    scale = scale or Scale.of(table)
    norm = propagation_graph(
        pairs.row,
        pairs.col,
        n_users,
        n_items,
        np.asarray(matrix.data, np.float32),
        kernel="torch",
        exponent=exponent,
    ).scale.numpy()[:, 0]
    convolution = np.asarray(matrix.data * norm[pairs.row] * norm[pairs.col + n_users], np.float32)
    to_users, _ = sorted_edges(pairs.col, pairs.row, n_items, n_users, device=device, kernel=kernel)
    to_items, order = sorted_edges(pairs.row, pairs.col, n_users, n_items, device=device, kernel=kernel)
    degree = np.log1p(np.bincount(pairs.col, minlength=n_items))
    relations = []
    for source, target, weight in item_relations:
        edges, place = sorted_edges(source, target, n_items, n_items, device=device, kernel=kernel)
        cosine = cosines(start[n_users:], source.astype(np.int64), target.astype(np.int64))
        seen = np.stack([np.log1p(np.maximum(weight, 0)), degree[source], cosine], 1)[place].astype(
            np.float32
        )
        relations.append(Relation(edges, torch.from_numpy(Scale.of(seen).apply(seen)).to(device)))
    graph = RelationGraph(
        to_users,
        to_items,
        torch.from_numpy(order).to(device),
        torch.from_numpy(convolution).to(device),
        torch.from_numpy(scale.apply(table)).to(device),
        torch.from_numpy(start[:n_users].copy()).to(device),
        torch.from_numpy(start[n_users:].copy()).to(device),
        tuple(relations),
    )
    return graph, scale


def relations_between_items(
    graph: InteractionGraph | None, interactions: Interactions
) -> dict[str, tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]]:
    """Item relations of a graph as source, target and weight, on the row numbers of `interactions`; edges of items
    unknown there are left out."""
    if graph is None:
        return {}
    row = rows_of(graph.item_ids, interactions.item_ids, "relations")
    found = {}
    for (source, name, target), edges in graph.edges.items():
        if source == target == "item":
            left, right = row[edges.source], row[edges.target]
            known = (left >= 0) & (right >= 0)
            found[name] = (left[known], right[known], edges.weight[known])
    return found
