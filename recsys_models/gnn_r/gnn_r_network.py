"""Convolution and attention in one layer: the network of `gnn_r`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recsys_models.gnn_r.relation_graph import RelationGraph
from recsys_models.kernels.attention import softmax, weighted_sum

if TYPE_CHECKING:
    import torch

LARGEST_LOGIT = 3.0
"""Attention multiplies a weight by at most e^3."""


def network(parts: str, layers: int, dim: int, inputs: int, relations: int) -> torch.nn.Module:
    """A module that takes a RelationGraph and gives vectors of users (n_users, dim) and items (n_items, dim).

    Layer by layer h' = PReLU(Σ weight · h + b). With parts "both", a pair's weight is that of LightGCN times
    exp(attention), where attention = w · inputs + c, and that of an item relation's edge is gate · softmax(attention).
    w, c, b and the gates start at 0 and the PReLU at slope 1, so that the untrained module is LightGCN. Part "gcn" has
    neither attention nor relations; "gat" has no convolution: its weights are the softmax of the attention over a
    node's pairs (Velickovic et al. 2018). The result is the mean over layers, weighted by learned shares. Attention is
    computed once, for all layers.
    """
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()

            def zeros(*shape: int) -> torch.nn.Parameter:
                return torch.nn.Parameter(torch.zeros(shape))

            self.mix = zeros(2, layers + 1)
            self.bias = zeros(layers, 2, dim)
            self.slope = torch.nn.Parameter(torch.ones(layers, 2))
            self.sharpness = zeros()
            if parts != "gcn":
                self.attention = zeros(inputs, 2)
                self.level = zeros(2)
                self.gate = zeros(relations)
                self.relation_attention = zeros(relations, 3, 1)

        def forward(self, graph: RelationGraph) -> tuple[Any, Any]:
            to_users, to_items = self._pair_weights(graph)
            related = [] if parts == "gcn" else self._relation_weights(graph)
            shares = torch.exp(self.mix) / (layers + 1)
            users, items = graph.users, graph.items
            all_users, all_items = shares[0, 0] * users, shares[1, 0] * items
            for layer in range(layers):
                by_users = _sum(graph.to_users, to_users, items)
                by_items = _sum(graph.to_items, to_items, users)
                for relation, weight in zip(graph.relations, related, strict=False):
                    by_items = by_items + _sum(relation.edges, weight, items)
                users = torch.nn.functional.prelu(by_users + self.bias[layer, 0], self.slope[layer, :1])
                items = torch.nn.functional.prelu(by_items + self.bias[layer, 1], self.slope[layer, 1:])
                all_users = all_users + shares[0, layer + 1] * users
                all_items = all_items + shares[1, layer + 1] * items
            return all_users, all_items

        def _pair_weights(self, graph: RelationGraph) -> tuple[Any, Any]:
            if parts == "gcn":
                weight = graph.convolution[:, None]
                return weight, weight[graph.item_order]
            logits = graph.inputs @ self.attention + self.level
            logits = LARGEST_LOGIT * torch.tanh(logits / LARGEST_LOGIT)
            users, items = logits[:, :1], logits[:, 1:][graph.item_order]
            if parts == "gat":
                return softmax(graph.to_users, users), softmax(graph.to_items, items)
            weight = graph.convolution[:, None]
            return weight * torch.exp(users), weight[graph.item_order] * torch.exp(items)

        def _relation_weights(self, graph: RelationGraph) -> list[Any]:
            return [
                self.gate[number] * softmax(relation.edges, relation.inputs @ self.relation_attention[number])
                for number, relation in enumerate(graph.relations)
            ]

    return Network()


def _sum(edges: Any, weight: Any, features: Any) -> Any:
    return weighted_sum(edges, weight, features[:, None])[:, 0]
