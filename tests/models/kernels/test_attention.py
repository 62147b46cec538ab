"""Both kernels against the dense formula, forward and backward."""

import numpy as np
import pytest
import torch

from recsys_models.kernels.attention import SortedEdges, softmax, sorted_edges, weighted_sum

SOURCES, TARGETS, HEADS, DIM = 7, 9, 2, 4


def edges(kernel: str) -> tuple[SortedEdges, np.ndarray]:
    # the last target has no edge
    source, target = np.nonzero(np.random.default_rng(0).random((SOURCES, TARGETS - 1)) < 0.5)
    return sorted_edges(source, target, SOURCES, TARGETS, kernel=kernel)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


@pytest.mark.parametrize("kernel", ["dgl", "torch"])
def test_attention_equals_the_formula(kernel: str) -> None:
    graph, order = edges(kernel)
    logits = drawn(order.size, HEADS).requires_grad_()
    features = drawn(SOURCES, HEADS, DIM).requires_grad_()
    ours = weighted_sum(graph, softmax(graph, logits), features)
    dense = torch.full((HEADS, TARGETS, SOURCES), -torch.inf)
    dense[:, graph.target, graph.source] = logits.T
    alpha = torch.softmax(dense, 2).nan_to_num()
    theirs = torch.einsum("hts,shd->thd", alpha, features)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    goal = drawn(TARGETS, HEADS, DIM)
    for mine, expected in zip(
        torch.autograd.grad((ours * goal).sum(), (logits, features)),
        torch.autograd.grad((theirs[:-1] * goal[:-1]).sum(), (logits, features)),
        strict=True,
    ):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


def test_the_kernels_agree() -> None:
    found = []
    for kernel in ("dgl", "torch"):
        graph, order = edges(kernel)
        weight = drawn(order.size, HEADS).requires_grad_()
        features = drawn(SOURCES, HEADS, DIM).requires_grad_()
        out = weighted_sum(graph, weight, features)
        found.append((out, *torch.autograd.grad(out.square().sum(), (weight, features))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_order_is_of_the_edges_given() -> None:
    graph, order = sorted_edges(np.array([2, 0, 1]), np.array([1, 1, 0]), 3, 2)
    assert order.tolist() == [2, 1, 0]
    assert graph.source.tolist() == [1, 0, 2] and graph.target.tolist() == [0, 1, 1]


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="'auto', 'dgl' or 'torch'"):
        sorted_edges(np.array([0]), np.array([0]), 1, 1, kernel="fast")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu() -> None:
    source, target = np.nonzero(np.random.default_rng(0).random((SOURCES, TARGETS)) < 0.5)
    found = []
    for device in ("cpu", "cuda"):
        graph, order = sorted_edges(source, target, SOURCES, TARGETS, device=device)
        logits = drawn(order.size, HEADS).to(device).requires_grad_()
        out = weighted_sum(graph, softmax(graph, logits), drawn(SOURCES, HEADS, DIM).to(device))
        found.append((out.cpu(), torch.autograd.grad(out.square().sum(), logits)[0].cpu()))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
