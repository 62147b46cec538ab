"""The textbook graph attention network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import scipy.sparse as sp

from recsys_models.parameters.parameters import Count, RoundsOrNone, Several
from recsys_models.training.graph_network import GraphNetwork

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True, eq=False)
class GAT(GraphNetwork):
    """Graph attention network (Velickovic et al. 2018, "Graph attention networks", equations 1 to 5).

    Each layer computes h'_i = h_i + ELU(Σ_j attention_ij W h_j + b) on the user-item graph with self-loops, where
    attention is the softmax over j of LeakyReLU(a · [W h_i, W h_j]) and heads stand side by side; the last layer has no
    ELU. Attention is dropped out like inputs. The skip connections are those of section 3.3: without them a node of a
    thousand neighbours would keep a thousandth of its own vector, and items that are bought often could not stand out.

    Args:
        heads: number of attention heads; each makes dim / heads numbers of a vector.
        batch: interactions per step; more than in `GCN`, because a step costs more.
    """

    family: ClassVar[str] = "gat"

    heads: Several = 2
    epochs: RoundsOrNone = 12
    batch: Count = 131_072

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % self.heads:
            raise ValueError(f"gat: heads: expected a divisor of dim={self.dim}, found {self.heads}")

    def _convolution(self, pairs: sp.coo_array, device: str) -> torch.nn.Module:
        from recsys_models.networks.gat_layers import GATLayers

        return GATLayers(pairs, self.dim, self.layers, self.heads, self.dropout, device)
