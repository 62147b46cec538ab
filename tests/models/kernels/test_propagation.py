"""Both kernels against the dense formula, forward and backward."""

import numpy as np
import pytest
import torch

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
def test_kernel_equals_the_formula(kernel: str, exponent: float, weighted: bool, columns: int) -> None:
    user, item, weight = edges()
    graph = propagation_graph(
        user, item, N_USERS, N_ITEMS, weight if weighted else None, kernel=kernel, exponent=exponent
    )
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
