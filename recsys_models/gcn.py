"""The textbook graph convolutional network."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.sparse as sp

from recsys_models.kernels.propagation import convolve, propagation_graph
from recsys_models.kernels.sparse import shape_of
from recsys_models.training.graph_network import GraphNetwork

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GCN(GraphNetwork):
    """Kipf & Welling 2017, "Semi-supervised classification with graph convolutional networks", equation 2 with the
    residual connections of equation 14: layer by layer H' = H + ReLU(Â H W + b) on the user-item graph with self-loops,
    Â = D^-½ (A + I) D^-½; the last without ReLU."""

    family: ClassVar[str] = "gcn"

    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        import torch

        n_users, n_items = shape_of(pairs)
        graph = propagation_graph(pairs.row, pairs.col, n_users, n_items, device=device)
        degree = np.concatenate(
            [np.bincount(pairs.row, minlength=n_users), np.bincount(pairs.col, minlength=n_items)]
        )
        scale = torch.from_numpy(((degree + 1.0) ** -0.5).astype(np.float32)[:, None]).to(device)
        graph = dataclasses.replace(graph, scale=scale)
        dim, layers, dropout = self.dim, self.layers, self.dropout

        class Layers(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                steps = [torch.nn.Linear(dim, dim) for _ in range(layers)]
                for step in steps:
                    torch.nn.init.eye_(step.weight)
                self.steps = torch.nn.ModuleList(steps)

            def forward(self, nodes: torch.Tensor) -> torch.Tensor:
                for number, step in enumerate(self.steps):
                    kept = torch.nn.functional.dropout(nodes, dropout, self.training)
                    taken_in = step(convolve(graph, kept) + kept * scale.square())
                    if number < layers - 1:
                        taken_in = torch.relu(taken_in)
                    nodes = nodes + taken_in
                return nodes

        return Layers()
