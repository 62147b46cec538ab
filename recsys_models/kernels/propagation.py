"""Graph convolution on the user-item graph: one function, two kernels.

Nodes are scaled, not edges: Â x = s · (A (s · x)) with s = degree^-exponent needs no edge weights, so DGL's
`copy_u_sum` does it at memory speed. Â is symmetric, and so is every polynomial of it: the gradient is the same
operator applied to the incoming gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.kernels.degrees import inverse_power
from recsys_models.kernels.dgl_import import import_dgl
from recsys_models.kernels.projection import Projection, sum_of_rows, torch_csr

COLUMNS = 32
"""Number of columns of wide vectors that the CPU sums at a time, so that more of the neighbours stay in its cache."""


@dataclass(frozen=True)
class PropagationGraph:
    """A bipartite graph ready for one kernel. Nodes 0 … n_users-1 are users, the rest items.

    Attributes:
        kernel: "dgl" or "torch".
        adjacency: a homogeneous DGL graph with int32 ids and both directions, or a torch sparse CSR matrix.
        scale: float32 tensor, shape (n_nodes, 1): degree^-exponent, 0 for nodes without edges.
        weight: float32 tensor, one per edge of the DGL graph, or None where all weights are 1.
        projection: the projection of the small side, if there is a small side and it was requested.
    """

    kernel: str
    adjacency: Any
    scale: torch.Tensor
    weight: torch.Tensor | None = None
    projection: Projection | None = None


def propagation_graph(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    n_users: int,
    n_items: int,
    weight: NDArray[np.float32] | None = None,
    *,
    device: str = "cpu",
    kernel: str = "auto",
    exponent: float = 0.5,
    layers: int = 1,
) -> PropagationGraph:
    """The graph of distinct edges (user, item), given as row numbers, prepared for one kernel.

    Args:
        weight: weight of each edge, > 0; all 1 by default. A node's degree is the sum over its edges.
        kernel: "dgl", "torch", or "auto": DGL's `copy_u_sum` for edges without weights, on the CPU and on CUDA where
            DGL was built for it; else PyTorch's, which multiplies by edge weights at no extra cost.
        exponent: power of the degrees that nodes are divided by. 0.5 is LightGCN's symmetric norm; less lets popular
            nodes weigh more, and the operator is then divided by its largest eigenvalue, which for 0.5 is 1.

    Raises:
        ValueError: unknown kernel.
    """
    if kernel == "auto":
        kernel = "dgl" if weight is None and (device == "cpu" or _dgl_has_cuda()) else "torch"
    if kernel not in ("dgl", "torch"):
        raise ValueError(f"kernel: expected 'auto', 'dgl' or 'torch', found {kernel!r}")
    n_nodes = n_users + n_items
    left = np.concatenate([user, item.astype(np.int64) + n_users]).astype(np.int32)
    right = np.concatenate([item.astype(np.int64) + n_users, user]).astype(np.int32)
    values = (
        np.ones(left.size, np.float32)
        if weight is None
        else np.concatenate([weight, weight]).astype(np.float32)
    )
    scale = inverse_power(np.bincount(right, values, n_nodes).astype(np.float64), exponent)
    if exponent != 0.5:
        scale /= np.sqrt(_largest_eigenvalue(left, right, values, scale))
    scale_tensor = torch.from_numpy(scale).unsqueeze(1).to(device)
    projection = None
    if layers > 1 and device == "cpu":
        operator = values[: user.size] * scale[user] * scale[n_users + item.astype(np.int64)]
        projection = Projection.of(sp.csr_array((operator, (user, item)), shape=(n_users, n_items)))
    # row of a node: its neighbours, ascending
    adjacency = sp.csr_array((values, (right, left)), shape=(n_nodes, n_nodes))
    adjacency.sort_indices()
    if kernel == "dgl":
        dgl = import_dgl()
        csc = tuple(torch.from_numpy(part.astype(np.int32)) for part in (adjacency.indptr, adjacency.indices))
        edges = torch.empty(0, dtype=torch.int32)
        graph = dgl.graph(("csc", (*csc, edges)), num_nodes=n_nodes, idtype=torch.int32)
        edge_weight = None if weight is None else torch.from_numpy(adjacency.data).unsqueeze(1).to(device)
        return PropagationGraph("dgl", graph.to(device), scale_tensor, edge_weight, projection)
    return PropagationGraph("torch", torch_csr(adjacency).to(device), scale_tensor, projection=projection)


def convolve(graph: PropagationGraph, features: torch.Tensor) -> torch.Tensor:
    """One convolution, Â features, differentiable. Shape (n_nodes, d) in and out."""
    return _symmetric(
        lambda values: _sum_of_neighbours(graph, values * graph.scale).mul_(graph.scale), features
    )


def propagate(graph: PropagationGraph, features: torch.Tensor, layers: int) -> torch.Tensor:
    """LightGCN's propagation: mean of Â^l features over layers l = 0 … `layers` (He et al. 2020, equations 7 and 8).

    Args:
        features: shape (n_nodes, d), users first.
    """
    return _symmetric(lambda values: _mean_of_layers(graph, values, layers), features)


def _mean_of_layers(graph: PropagationGraph, features: torch.Tensor, layers: int) -> torch.Tensor:
    """`propagate` by Horner's rule, x + Â (x + Â (x + …)), on scaled vectors: one pass over them per layer."""
    if not layers:
        return features
    if graph.projection is not None:
        return graph.projection.mean_of_layers(features, layers)
    on_cpu = features.device.type == "cpu"
    width = features.shape[1]
    step = COLUMNS if on_cpu and width > 2 * COLUMNS else max(1, width)
    squared = graph.scale.square()
    mean = torch.empty_like(features)
    for at in range(0, width, step):
        start = features[:, at : at + step]
        scaled = layer = (start * graph.scale).contiguous()
        for _ in range(layers - 1):
            summed = _sum_of_neighbours(graph, layer)
            layer = torch.addcmul(scaled, squared, summed, out=summed)
        summed = _sum_of_neighbours(graph, layer)
        torch.addcmul(start, graph.scale, summed, out=summed)
        torch.div(summed, layers + 1, out=mean[:, at : at + step])
    return mean


def _sum_of_neighbours(graph: PropagationGraph, features: torch.Tensor) -> torch.Tensor:
    if graph.kernel == "dgl":
        ops = import_dgl().ops
        if graph.weight is None:
            return ops.copy_u_sum(graph.adjacency, features)
        return ops.u_mul_e_sum(graph.adjacency, features, graph.weight)
    if features.device.type == "cpu":
        return sum_of_rows(graph.adjacency, features)
    return graph.adjacency @ features


class _Symmetric(torch.autograd.Function):
    """A symmetric linear operator: its gradient is the operator applied to the incoming gradient."""

    @staticmethod
    def forward(
        ctx: Any, operator: Callable[[torch.Tensor], torch.Tensor], features: torch.Tensor
    ) -> torch.Tensor:
        ctx.operator = operator
        return operator(features)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return None, ctx.operator(gradients[0])


def _symmetric(operator: Callable[[torch.Tensor], torch.Tensor], features: torch.Tensor) -> torch.Tensor:
    return cast("torch.Tensor", _Symmetric.apply(operator, features))


def _largest_eigenvalue(
    left: NDArray[np.int32], right: NDArray[np.int32], values: NDArray[np.float32], scale: NDArray[np.float32]
) -> float:
    """Largest eigenvalue of Â, by power iteration on Â²: eigenvalues of Â come in pairs ±λ, those of Â² do not."""
    n = scale.size
    matrix = sp.coo_array((values * scale[left] * scale[right], (left, right)), shape=(n, n)).tocsr()
    vector = np.ones(n, np.float32)
    length = 1.0
    for _ in range(30):
        vector = matrix @ (matrix @ vector)
        length = float(np.linalg.norm(vector))
        vector /= max(length, 1e-30)
    return max(length, 1e-30) ** 0.5


def _dgl_has_cuda() -> bool:
    if not torch.cuda.is_available():
        return False
    dgl = import_dgl()
    try:
        dgl.graph((torch.tensor([0]), torch.tensor([0]))).to("cuda")
    except dgl.DGLError:
        return False
    return True
