"""The network of GNN-R: convolution and attention in one layer."""

from __future__ import annotations

from typing import Any

import torch

from recsys_models.gnn_r.relation_graph import RelationGraph
from recsys_models.kernels.attention import softmax, weighted_sum

LARGEST_LOGIT = 3.0
"""Bound of the attention's logits: attention multiplies a weight by at most e^3."""


class GNNRNetwork(torch.nn.Module):
    """A network from a RelationGraph to vectors of users (n_users, dim) and items (n_items, dim).

    Each layer computes h' = PReLU(Σ weight · h + b). With parts "both", a pair's weight is that of LightGCN times
    exp(attention), where attention = 3 tanh((w · inputs + c) / 3), and that of an item relation's edge is
    gate · softmax(w · inputs).
    w, c, b and the gates start at 0 and the PReLU at slope 1, so that the untrained network is LightGCN. Part "gcn" has
    neither attention nor relations; "gat" has no convolution: its weights are the softmax of the attention over a
    node's pairs (Velickovic et al. 2018). The result is the mean over layers, weighted by learned shares. Attention is
    computed once, for all layers.

    Args:
        parts, layers: see `GNNR`.
        dim: length of the vectors.
        inputs: number of inputs of the attention for each pair.
        relations: number of item relations.
    """

    def __init__(self, parts: str, layers: int, dim: int, inputs: int, relations: int) -> None:
        super().__init__()
        self._parts, self._layers = parts, layers
        self.mix = _zeros(2, layers + 1)
        self.bias = _zeros(layers, 2, dim)
        self.slope = torch.nn.Parameter(torch.ones(layers, 2))
        self.sharpness = _zeros()
        if parts != "gcn":
            self.attention = _zeros(inputs, 2)
            self.level = _zeros(2)
            self.gate = _zeros(relations)
            self.relation_attention = _zeros(relations, 3, 1)

    def forward(self, graph: RelationGraph) -> tuple[torch.Tensor, torch.Tensor]:
        to_users, to_items = self._pair_weights(graph)
        related = [] if self._parts == "gcn" else self._relation_weights(graph)
        shares = torch.exp(self.mix) / (self._layers + 1)
        users, items = graph.users, graph.items
        all_users, all_items = shares[0, 0] * users, shares[1, 0] * items
        for layer in range(self._layers):
            by_users = _sum(graph.to_users, to_users, items)
            by_items = _sum(graph.to_items, to_items, users)
            for relation, weight in zip(graph.relations, related, strict=False):
                by_items = by_items + _sum(relation.edges, weight, items)
            users = torch.nn.functional.prelu(by_users + self.bias[layer, 0], self.slope[layer, :1])
            items = torch.nn.functional.prelu(by_items + self.bias[layer, 1], self.slope[layer, 1:])
            all_users = all_users + shares[0, layer + 1] * users
            all_items = all_items + shares[1, layer + 1] * items
        return all_users, all_items

    def _pair_weights(self, graph: RelationGraph) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights of the edges to users and of those to items, shape (pairs, 1) each."""
        if self._parts == "gcn":
            weight = graph.convolution[:, None]
            return weight, weight[graph.item_order]
        logits = graph.inputs @ self.attention + self.level
        logits = LARGEST_LOGIT * torch.tanh(logits / LARGEST_LOGIT)
        users, items = logits[:, :1], logits[:, 1:][graph.item_order]
        if self._parts == "gat":
            return softmax(graph.to_users, users), softmax(graph.to_items, items)
        weight = graph.convolution[:, None]
        return weight * torch.exp(users), weight[graph.item_order] * torch.exp(items)

    def _relation_weights(self, graph: RelationGraph) -> list[torch.Tensor]:
        return [
            self.gate[number] * softmax(relation.edges, relation.inputs @ self.relation_attention[number])
            for number, relation in enumerate(graph.relations)
        ]


def _zeros(*shape: int) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.zeros(shape))


def _sum(edges: Any, weight: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    return weighted_sum(edges, weight, features[:, None])[:, 0]
