"""The layers of the textbook graph convolutional network."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse as sp
import torch

from recsys_models.kernels.propagation import convolve, propagation_graph
from recsys_models.kernels.sparse import shape_of


class GCNLayers(torch.nn.Module):
    """Graph convolutions with residual connections on one user-item graph with self-loops; see `GCN`.

    Nodes (n_nodes, dim) in and out, users first.

    Args:
        pairs: users by items, the edges.
        dim, layers, dropout: see `GraphNetwork`.
    """

    def __init__(self, pairs: sp.coo_array, dim: int, layers: int, dropout: float, device: str) -> None:
        super().__init__()
        n_users, n_items = shape_of(pairs)
        graph = propagation_graph(pairs.row, pairs.col, n_users, n_items, device=device)
        degree = np.concatenate(
            [np.bincount(pairs.row, minlength=n_users), np.bincount(pairs.col, minlength=n_items)]
        )
        # the self-loop counts as one more edge
        self._scale = torch.from_numpy(((degree + 1.0) ** -0.5).astype(np.float32)[:, None]).to(device)
        self._graph = dataclasses.replace(graph, scale=self._scale)
        self._dropout = dropout
        steps = [torch.nn.Linear(dim, dim) for _ in range(layers)]
        for step in steps:
            torch.nn.init.eye_(step.weight)
        self.steps = torch.nn.ModuleList(steps)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        for number, step in enumerate(self.steps):
            kept = torch.nn.functional.dropout(nodes, self._dropout, self.training)
            taken_in = step(convolve(self._graph, kept) + kept * self._scale.square())
            if number < len(self.steps) - 1:
                taken_in = torch.relu(taken_in)
            nodes = nodes + taken_in
        return nodes
