"""The textbook graph attention network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.sparse as sp

from recsys_models.kernels.attention import at_nodes, neighbours, softmax, weighted_sum
from recsys_models.kernels.sparse import shape_of
from recsys_models.training.graph_network import GraphNetwork

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GAT(GraphNetwork):
    """Velickovic et al. 2018, "Graph attention networks", equations 1 to 5, on the user-item graph with self-loops:
    layer by layer h'_i = h_i + ELU(Σ_j attention_ij W h_j + b), where attention is the softmax over j of
    LeakyReLU(a · [W h_i, W h_j]), heads side by side; the last layer without ELU. Attention is dropped out like inputs.
    The skip connections are those of section 3.3: without them a node of a thousand neighbours has a thousandth of its
    own vector, and what is bought often cannot stand out.

    Args:
        heads: each has dim / heads of the vectors' length.
        batch: larger than in `gcn`, because a step costs more.
    """

    family: ClassVar[str] = "gat"

    heads: int = 2
    epochs: int = 12
    batch: int = 131_072

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heads < 1 or self.dim % self.heads:
            raise ValueError(f"gat: heads: expected a divisor of dim={self.dim}, found {self.heads}")

    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        import torch

        n_users, n_items = shape_of(pairs)
        n_nodes = n_users + n_items
        user, item, itself = pairs.row, pairs.col + n_users, np.arange(n_nodes)
        edges, _ = neighbours(
            np.concatenate([user, item, itself]),
            np.concatenate([item, user, itself]),
            n_nodes,
            n_nodes,
            device=device,
        )
        dim, heads, layers, dropout = self.dim, self.heads, self.layers, self.dropout

        class Layer(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.map = torch.nn.Linear(dim, dim, bias=False)
                torch.nn.init.eye_(self.map.weight)
                self.of_source = torch.nn.Parameter(torch.randn(heads, dim // heads) * 0.1)
                self.of_target = torch.nn.Parameter(torch.randn(heads, dim // heads) * 0.1)
                self.bias = torch.nn.Parameter(torch.zeros(dim))

            def forward(self, nodes: torch.Tensor) -> torch.Tensor:
                mapped = self.map(nodes).view(n_nodes, heads, -1)
                logits = at_nodes((mapped * self.of_source).sum(2), edges.source)
                logits = logits + at_nodes((mapped * self.of_target).sum(2), edges.target)
                alpha = softmax(edges, torch.nn.functional.leaky_relu(logits, 0.2))
                alpha = torch.nn.functional.dropout(alpha, dropout, self.training)
                return weighted_sum(edges, alpha, mapped).reshape(n_nodes, dim) + self.bias

        class Layers(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.steps = torch.nn.ModuleList(Layer() for _ in range(layers))

            def forward(self, nodes: torch.Tensor) -> torch.Tensor:
                for number, step in enumerate(self.steps):
                    taken_in = step(torch.nn.functional.dropout(nodes, dropout, self.training))
                    if number < layers - 1:
                        taken_in = torch.nn.functional.elu(taken_in)
                    nodes = nodes + taken_in
                return nodes

        return Layers()
