"""Training of matrix factorization with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus

from recsys_models.kernels.sparse import shape_of
from recsys_models.training.trainer import Fit

if TYPE_CHECKING:
    from recsys_models.matrix_factorization import MatrixFactorization


def pair_loss(loss: str, right: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    """Mean loss of the scores (b, 1) of interactions and the scores (b, negatives) of drawn pairs.

    Args:
        loss: one of `matrix_factorization.LOSSES`.
    """
    if loss == "bpr":
        return softplus(wrong - right).mean()
    if loss == "logistic":
        return softplus(-right).mean() + softplus(wrong).mean()
    return (right - 1).square().mean() + wrong.square().mean()


class FactorizationFit(Fit):
    """Training of matrix factorization: vectors of users and items that learn."""

    def __init__(self, settings: MatrixFactorization, start: NDArray[np.float32], device: str) -> None:
        self._settings, self._device = settings, device
        self.module = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False).to(
            device
        )
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.learning_rate, fused=True)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        settings, device, take = self._settings, self._device, self.module
        n_users, n_items = shape_of(settings.seen)
        pairs = settings.seen.tocoo()
        users = torch.from_numpy(pairs.row.astype(np.int64))
        items = torch.from_numpy(pairs.col.astype(np.int64))
        for part in torch.randperm(users.numel(), generator=generator).split(batch):
            drawn = torch.randint(n_items, (part.numel(), settings.negatives), generator=generator)
            user = take(users[part].to(device))
            item = take(items[part].to(device) + n_users)
            other = take(drawn.to(device) + n_users)
            right, wrong = (user * item).sum(1, keepdim=True), (user[:, None] * other).sum(2)
            penalty = (user.square().sum() + item.square().sum() + other.square().sum()) / part.numel()
            yield pair_loss(settings.loss, right, wrong) + settings.l2 * penalty / 2

    def state(self) -> dict[str, NDArray[Any]]:
        vectors = self.module.get_parameter("weight").detach().cpu().numpy().copy()
        n_users = self._settings.user_ids.size
        return {"user": vectors[:n_users], "item": vectors[n_users:]}
