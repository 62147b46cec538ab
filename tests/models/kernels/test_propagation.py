"""Both kernels against the dense formula, forward and backward."""

import numpy as np
import pytest
import torch

from recsys_models.kernels.projection import CELLS_PER_EDGE
from recsys_models.kernels.propagation import COLUMNS, propagate, propagation_graph

N_USERS, N_ITEMS, LAYERS = 7, 9, 3


def edges() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    # the last item has no edge
    user, item = np.nonzero(generator.random((N_USERS, N_ITEMS - 1)) < 0.4)
    return user, item, generator.uniform(0.1, 1, user.size).astype(np.float32)


def dense(weight: np.ndarray, exponent: float) -> torch.Tensor:
    user, item, _ = edges()
    n = N_USERS + N_ITEMS
    matrix = np.zeros((n, n))
    matrix[user, item + N_USERS] = matrix[item + N_USERS, user] = weight
    degree = matrix.sum(1)
    scale = np.where(degree > 0, np.maximum(degree, 1e-12) ** -exponent, 0)
    matrix = matrix * scale[:, None] * scale[None, :]
    if exponent != 0.5:
        matrix /= np.abs(np.linalg.eigvalsh(matrix)).max()
    return torch.from_numpy(matrix).float()


@pytest.mark.parametrize("kernel", ["dgl", "torch"])
@pytest.mark.parametrize("exponent", [0.5, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("columns", [5, 2 * COLUMNS + 3])
@pytest.mark.parametrize("projected", [False, True])
def test_kernel_equals_the_formula(
    kernel: str, exponent: float, weighted: bool, columns: int, projected: bool
) -> None:
    user, item, weight = edges()
    graph = propagation_graph(
        user,
        item,
        N_USERS,
        N_ITEMS,
        weight if weighted else None,
        kernel=kernel,
        exponent=exponent,
        layers=LAYERS if projected else 1,
    )
    assert (graph.projection is not None) == projected
    matrix = dense(weight if weighted else np.ones_like(weight), exponent)
    features = torch.randn(
        N_USERS + N_ITEMS, columns, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    goal = torch.randn(features.shape, generator=torch.Generator().manual_seed(2))
    ours = propagate(graph, features, LAYERS)
    (mine,) = torch.autograd.grad((ours * goal).sum(), features)
    layer = total = features
    for _ in range(LAYERS):
        layer = matrix @ layer
        total = total + layer
    theirs = total / (LAYERS + 1)
    (expected,) = torch.autograd.grad((theirs * goal).sum(), features)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("users_are_few", [True, False])
def test_the_way_through_the_small_side_equals_that_over_all_edges(layers: int, users_are_few: bool) -> None:
    few, many, weight = edges()
    user, item = (few, many) if users_are_few else (many, few)
    size = (N_USERS, N_ITEMS) if users_are_few else (N_ITEMS, N_USERS)
    features = torch.randn(N_USERS + N_ITEMS, 4, generator=torch.Generator().manual_seed(1))
    projected = propagation_graph(user, item, *size, weight, exponent=0.3, layers=2)
    assert projected.projection is not None
    assert projected.projection.users_are_small == users_are_few
    plain = propagation_graph(user, item, *size, weight, exponent=0.3)
    torch.testing.assert_close(propagate(projected, features, layers), propagate(plain, features, layers))


def test_a_graph_with_many_nodes_on_both_sides_has_no_projection() -> None:
    nodes = np.arange(CELLS_PER_EDGE + 1)  # one edge each
    assert propagation_graph(nodes, nodes, nodes.size, nodes.size, layers=2).projection is None


def test_an_unknown_kernel_is_refused() -> None:
    user, item, _ = edges()
    with pytest.raises(ValueError, match="'auto', 'dgl' or 'torch'"):
        propagation_graph(user, item, N_USERS, N_ITEMS, kernel="fast")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu() -> None:
    user, item, weight = edges()
    features = torch.randn(N_USERS + N_ITEMS, 5)
    cpu = propagate(propagation_graph(user, item, N_USERS, N_ITEMS, weight), features, LAYERS)
    cuda = propagate(
        propagation_graph(user, item, N_USERS, N_ITEMS, weight, device="cuda"), features.cuda(), LAYERS
    )
    torch.testing.assert_close(cuda.cpu(), cpu, rtol=1e-4, atol=1e-5)
