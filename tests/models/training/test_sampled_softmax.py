"""The sampled softmax and its gradient against PyTorch's own, from the plain formula."""

import math

import torch

from recsys_models.networks.lightgcn_fit import _softmax

N_ITEMS = 6


def plain(smooth: torch.Tensor, user: torch.Tensor, item: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    wanted = (smooth[user] * smooth[item]).sum(1)
    sampled = (smooth[user] @ smooth[other].T).exp().masked_fill(other[None, :] == item[:, None], 0)
    catalogue = sampled.sum(1) * N_ITEMS / other.numel()
    return ((wanted.exp() + catalogue).log() - wanted).mean()


def test_loss_and_gradient_equal_those_of_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.randn(4 + N_ITEMS, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    user = torch.tensor([0, 1, 2, 2, 3])
    item = torch.tensor([4, 5, 6, 9, 5])
    for other in ([7, 5, 4, 5], [5, 5]):  # of the second, pairs of item 5 have no other item at all
        ours = _softmax(smooth, user, item, torch.tensor(other), N_ITEMS)
        theirs = plain(smooth, user, item, torch.tensor(other))
        torch.testing.assert_close(ours, theirs)
        (found,) = torch.autograd.grad(3 * ours, smooth)
        (expected,) = torch.autograd.grad(3 * theirs, smooth)
        torch.testing.assert_close(found, expected)


def test_scores_too_large_for_an_exponential_have_a_finite_loss() -> None:
    smooth = torch.full((2 + N_ITEMS, 1), 30.0, requires_grad=True)
    rows = torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4, 5])
    loss = _softmax(smooth, *rows, N_ITEMS)
    assert math.isclose(loss.item(), math.log(1 + N_ITEMS), rel_tol=1e-4)
    (gradient,) = torch.autograd.grad(loss, smooth)
    assert torch.isfinite(gradient).all()
