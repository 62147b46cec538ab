"""The interaction graph as a heterograph of DGL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from recsys_models.kernels.dgl_import import import_dgl

if TYPE_CHECKING:
    from recsys_models.data.graph import InteractionGraph


def heterograph(graph: InteractionGraph) -> Any:
    """The `dgl.DGLGraph` on the CPU, with int32 ids and the edge feature `weight`."""
    dgl = import_dgl()
    made = dgl.heterograph(
        {
            kind: (torch.from_numpy(edges.source.copy()), torch.from_numpy(edges.target.copy()))
            for kind, edges in graph.edges.items()
        },
        num_nodes_dict={"user": graph.user_ids.size, "item": graph.item_ids.size},
        idtype=torch.int32,
    )
    for kind, edges in graph.edges.items():
        made.edges[kind].data["weight"] = torch.from_numpy(edges.weight.copy())
    return made
