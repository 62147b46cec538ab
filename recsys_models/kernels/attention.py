"""Sums over neighbours with learned edge weights, and the softmax over neighbours: two functions, two kernels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys_models.kernels.dgl_import import import_dgl

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Neighbours:
    """Edges from source to target nodes, sorted by target, then source; edge weights come in this order.

    Attributes:
        kernel: "dgl" or "torch".
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


def neighbours(
    source: NDArray[np.integer],
    target: NDArray[np.integer],
    n_sources: int,
    n_targets: int,
    *,
    device: str = "cpu",
    kernel: str = "auto",
) -> tuple[Neighbours, NDArray[np.int64]]:
    """Prepare edges for one kernel; memory: 28 bytes an edge.

    Args:
        kernel: "dgl": `u_mul_e_sum` and `edge_softmax`; "torch": sparse CSR products, also where DGL has no CUDA.
            "auto" is "torch": one head's weighted sum, forward and backward, takes it a third of DGL's time on CPU.

    Returns:
        The edges, and the order in which they took those given.

    Raises:
        ValueError: unknown kernel.
    """
    import torch

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
        found = Neighbours("dgl", (n_targets, n_sources), begins, sources, targets, block=block.to(device))
        return found, order
    turned = np.lexsort((right, left))
    back = (_indptr(left[turned], n_sources), right[turned], turned)
    first, second, third = (torch.from_numpy(part).to(device) for part in back)
    found = Neighbours("torch", (n_targets, n_sources), begins, sources, targets, back=(first, second, third))
    return found, order


def weighted_sum(edges: Neighbours, weight: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """For each target Σ weight · features of its sources, differentiable in both.

    Args:
        weight: shape (edges, heads).
        features: shape (sources, heads, d); the result has (targets, heads, d).
    """
    if edges.kernel == "dgl":
        return import_dgl().ops.u_mul_e_sum(edges.block, features, weight.unsqueeze(2))
    import torch

    heads = [
        _functions()[0](edges, weight[:, head].contiguous(), features[:, head].contiguous())
        for head in range(weight.shape[1])
    ]
    return heads[0].unsqueeze(1) if len(heads) == 1 else torch.stack(heads, 1)


def softmax(edges: Neighbours, logits: torch.Tensor) -> torch.Tensor:
    """exp(logit) over its sum at the target (Velickovic et al. 2018, equation 3). Shape (edges, heads) in and out."""
    if edges.kernel == "dgl":
        return import_dgl().ops.edge_softmax(edges.block, logits)
    return _functions()[1](edges, logits)


def at_nodes(table: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
    """`table[nodes]`; its gradient is summed in the same order each time, which that of an index is not."""
    import torch

    return torch.nn.functional.embedding(nodes, table)


_FUNCTIONS: Any = None


def _functions() -> Any:
    """The autograd functions, made on first use so that importing this module does not import PyTorch: the weighted sum
    of one head, and the softmax."""
    global _FUNCTIONS
    if _FUNCTIONS is None:
        import torch

        class WeightedSum(torch.autograd.Function):
            @staticmethod
            def forward(
                ctx: Any, edges: Neighbours, weight: torch.Tensor, features: torch.Tensor
            ) -> torch.Tensor:
                ctx.edges = edges
                ctx.save_for_backward(weight, features)
                return _csr(edges.indptr, edges.source, weight, edges.shape) @ features

            @staticmethod
            def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
                edges: Neighbours = ctx.edges
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

        def by_target(edges: Neighbours, values: torch.Tensor, how: str) -> torch.Tensor:
            """Sum or maximum of each target's edges, at each edge."""
            empty = -torch.inf if how == "max" else 0.0
            offsets = edges.indptr.long()
            found = torch.segment_reduce(values, how, offsets=offsets, axis=0, initial=empty)
            return at_nodes(found, edges.target)

        class Softmax(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, edges: Neighbours, logits: torch.Tensor) -> torch.Tensor:
                raised = torch.exp(logits - by_target(edges, logits, "max"))
                alpha = raised / by_target(edges, raised, "sum")
                ctx.edges = edges
                ctx.save_for_backward(alpha)
                return alpha

            @staticmethod
            def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
                (alpha,) = ctx.saved_tensors
                part = alpha * gradients[0]
                return None, part - alpha * by_target(ctx.edges, part, "sum")

        _FUNCTIONS = WeightedSum.apply, Softmax.apply
    return _FUNCTIONS


def _csr(
    indptr: torch.Tensor, indices: torch.Tensor, values: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(indptr, indices, values, size=shape, check_invariants=False)


def _indptr(rows: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int32)
