"""The layers of the textbook graph attention network."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from recsys_models.kernels.attention import SortedEdges, at_nodes, softmax, sorted_edges, weighted_sum
from recsys_models.kernels.sparse import shape_of


class GATLayers(torch.nn.Module):
    """Graph attention with residual connections on one user-item graph with self-loops; see `GAT`.

    Nodes (n_nodes, dim) in and out, users first.

    Args:
        pairs: users by items, the edges.
        dim, layers, dropout: see `GraphNetwork`.
        heads: see `GAT`.
    """

    def __init__(
        self, pairs: sp.coo_array, dim: int, layers: int, heads: int, dropout: float, device: str
    ) -> None:
        super().__init__()
        n_users, n_items = shape_of(pairs)
        n_nodes = n_users + n_items
        user, item, itself = pairs.row, pairs.col + n_users, np.arange(n_nodes)
        edges, _ = sorted_edges(
            np.concatenate([user, item, itself]),
            np.concatenate([item, user, itself]),
            n_nodes,
            n_nodes,
            device=device,
        )
        self._dropout = dropout
        self.steps = torch.nn.ModuleList(GATLayer(edges, dim, heads, dropout) for _ in range(layers))

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        for number, step in enumerate(self.steps):
            taken_in = step(torch.nn.functional.dropout(nodes, self._dropout, self.training))
            if number < len(self.steps) - 1:
                taken_in = torch.nn.functional.elu(taken_in)
            nodes = nodes + taken_in
        return nodes


class GATLayer(torch.nn.Module):
    """One layer: attention-weighted sums of mapped neighbours, heads side by side."""

    def __init__(self, edges: SortedEdges, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self._edges, self._heads, self._dropout = edges, heads, dropout
        self.map = torch.nn.Linear(dim, dim, bias=False)
        torch.nn.init.eye_(self.map.weight)
        self.of_source = torch.nn.Parameter(torch.randn(heads, dim // heads) * 0.1)
        self.of_target = torch.nn.Parameter(torch.randn(heads, dim // heads) * 0.1)
        self.bias = torch.nn.Parameter(torch.zeros(dim))

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        mapped = self.map(nodes).view(len(nodes), self._heads, -1)
        logits = at_nodes((mapped * self.of_source).sum(2), self._edges.source)
        logits = logits + at_nodes((mapped * self.of_target).sum(2), self._edges.target)
        alpha = softmax(self._edges, torch.nn.functional.leaky_relu(logits, 0.2))
        alpha = torch.nn.functional.dropout(alpha, self._dropout, self.training)
        return weighted_sum(self._edges, alpha, mapped).reshape(nodes.shape) + self.bias
