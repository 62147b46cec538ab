"""The textbook graph convolutional network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import scipy.sparse as sp

from recsys_models.training.graph_network import GraphNetwork

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GCN(GraphNetwork):
    """Graph convolutional network (Kipf & Welling 2017, "Semi-supervised classification with graph convolutional
    networks", equation 2 with the residual connections of equation 14).

    Each layer computes H' = H + ReLU(Â H W + b) on the user-item graph with self-loops, Â = D^-½ (A + I) D^-½; the last
    one has no ReLU.
    """

    family: ClassVar[str] = "gcn"

    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        from recsys_models.networks.gcn_layers import GCNLayers

        return GCNLayers(pairs, self.dim, self.layers, self.dropout, device)
