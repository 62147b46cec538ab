"""Attention on a graph: weighted sums over neighbours and the softmax over neighbours, each in two kernels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recsys_models.kernels.dgl_import import import_dgl


@dataclass(frozen=True)
class SortedEdges:
    """Edges from source to target nodes, sorted by target, then source; edge weights come in this order.

    Attributes:
        kernel: the kernel that the edges are prepared for, "dgl" or "torch".
        shape: (targets, sources).
        indptr: int32, shape (targets + 1,): where each target's edges begin.
        source, target: int32, shape (edges,).
        back: the transposed edges as (indptr, indices, order of these edges); None for DGL.
        block: the DGL graph; None for PyTorch.
    """

    kernel: str
    shape: tuple[int, int]
    indptr: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    back: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
    block: Any = None


def sorted_edges(
    source: NDArray[np.integer],
    target: NDArray[np.integer],
    n_sources: int,
    n_targets: int,
    *,
    device: str = "cpu",
    kernel: str = "auto",
) -> tuple[SortedEdges, NDArray[np.int64]]:
    """Edges prepared for one kernel; they take 28 bytes each.

    Args:
        kernel: "dgl": `u_mul_e_sum` and `edge_softmax`; "torch": sparse CSR products, also where DGL has no CUDA.
            "auto" is "torch": one head's weighted sum, forward and backward, takes a third of DGL's time on the CPU.

    Returns:
        The edges, and for each of them its place among those given.

    Raises:
        ValueError: unknown kernel.
    """
    if kernel not in ("auto", "dgl", "torch"):
        raise ValueError(f"kernel: expected 'auto', 'dgl' or 'torch', found {kernel!r}")
    order = np.lexsort((source, target))
    left, right = source[order].astype(np.int32), target[order].astype(np.int32)
    indptr = _indptr(right, n_targets)
    begins, sources, targets = (torch.from_numpy(part).to(device) for part in (indptr, left, right))
    if kernel == "dgl":
        dgl = import_dgl()
        edges = torch.empty(0, dtype=torch.int32)
        block = dgl.create_block(
            ("csc", (torch.from_numpy(indptr), torch.from_numpy(left), edges)),
            num_src_nodes=n_sources,
            num_dst_nodes=n_targets,
            idtype=torch.int32,
        )
        found = SortedEdges("dgl", (n_targets, n_sources), begins, sources, targets, block=block.to(device))
        return found, order
    turned = np.lexsort((right, left))
    back = (_indptr(left[turned], n_sources), right[turned], turned)
    first, second, third = (torch.from_numpy(part).to(device) for part in back)
    found = SortedEdges(
        "torch", (n_targets, n_sources), begins, sources, targets, back=(first, second, third)
    )
    return found, order


def weighted_sum(edges: SortedEdges, weight: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Weighted sum of the sources' features for each target, differentiable in weights and features.

    Args:
        weight: shape (edges, heads).
        features: shape (sources, heads, d); the result has (targets, heads, d).
    """
    if edges.kernel == "dgl":
        return import_dgl().ops.u_mul_e_sum(edges.block, features, weight.unsqueeze(2))
    heads = [
        _WeightedSum.apply(edges, weight[:, head].contiguous(), features[:, head].contiguous())
        for head in range(weight.shape[1])
    ]
    return heads[0].unsqueeze(1) if len(heads) == 1 else torch.stack(heads, 1)


def softmax(edges: SortedEdges, logits: torch.Tensor) -> torch.Tensor:
    """Softmax of the logits over each target's edges (Velickovic et al. 2018, equation 3), shape (edges, heads)."""
    if edges.kernel == "dgl":
        return import_dgl().ops.edge_softmax(edges.block, logits)
    return cast("torch.Tensor", _Softmax.apply(edges, logits))


def at_nodes(table: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
    """`table[nodes]`, with a gradient that is summed in the same order each time, unlike that of indexing."""
    return torch.nn.functional.embedding(nodes, table)


class _WeightedSum(torch.autograd.Function):
    """The weighted sum of one head by sparse CSR products, with gradients for weights and features."""

    @staticmethod
    def forward(ctx: Any, edges: SortedEdges, weight: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        ctx.edges = edges
        ctx.save_for_backward(weight, features)
        return _csr(edges.indptr, edges.source, weight, edges.shape) @ features

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        edges: SortedEdges = ctx.edges
        weight, features = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        by_weight = by_feature = None
        if ctx.needs_input_grad[1]:
            pattern = _csr(edges.indptr, edges.source, torch.zeros_like(weight), edges.shape)
            products = torch.sparse.sampled_addmm(pattern, gradient, features.T, beta=0.0)
            by_weight = products.values()
        if ctx.needs_input_grad[2]:
            assert edges.back is not None
            indptr, indices, turned = edges.back
            transposed = _csr(indptr, indices, weight[turned], edges.shape[::-1])
            by_feature = transposed @ gradient
        return None, by_weight, by_feature


class _Softmax(torch.autograd.Function):
    """The softmax over each target's edges, with its gradient."""

    @staticmethod
    def forward(ctx: Any, edges: SortedEdges, logits: torch.Tensor) -> torch.Tensor:
        raised = torch.exp(logits - _by_target(edges, logits, "max"))
        alpha = raised / _by_target(edges, raised, "sum")
        ctx.edges = edges
        ctx.save_for_backward(alpha)
        return alpha

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (alpha,) = ctx.saved_tensors
        part = alpha * gradients[0]
        return None, part - alpha * _by_target(ctx.edges, part, "sum")


def _by_target(edges: SortedEdges, values: torch.Tensor, how: str) -> torch.Tensor:
    """Sum or maximum over the edges of each target, repeated at each of these edges."""
    empty = -torch.inf if how == "max" else 0.0
    found = torch.segment_reduce(values, how, offsets=edges.indptr.long(), axis=0, initial=empty)
    return at_nodes(found, edges.target)


def _csr(
    indptr: torch.Tensor, indices: torch.Tensor, values: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(indptr, indices, values, size=shape, check_invariants=False)


def _indptr(rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int32)
