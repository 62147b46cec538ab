"""Matrix factorization by stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.sparse import shape_of
from recsys_models.training.fit_run import FitRun
from recsys_models.training.trainer import Fit, Training
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    import torch

LOSSES = ("bpr", "logistic", "squared")


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(EmbeddingRecommender):
    """score(u, i) = ⟨u, v⟩, learned from interactions and drawn pairs (Koren et al. 2009; Rendle et al. 2009).

    Args:
        dim: length of the embeddings.
        loss: "bpr"; "logistic", the cross-entropy of interacted or not; "squared", against 1 and 0.
        negatives: pairs drawn for each interaction.
        epochs: passes at most; with validation the best one is kept, and `patience` epochs without a better one end
            the training.
        batch: interactions a step.
        learning_rate, l2: of Adam; the penalty is on the batch's embeddings.
    """

    family: ClassVar[str] = "matrix_factorization"
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    dim: int = 64
    loss: str = "bpr"
    negatives: int = 4
    epochs: int = 30
    patience: int = 3
    batch: int = 4096
    learning_rate: float = 0.01
    l2: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in LOSSES:
            raise ValueError(f"matrix_factorization: loss: expected one of {LOSSES}, found {self.loss!r}")

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        shape = (interactions.n_users + interactions.n_items, self.dim)
        start = np.random.default_rng(run.seed).standard_normal(shape, np.float32) * 0.1
        self._train(start, validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        vectors = np.vstack(before.embeddings())
        self._train(
            warm_start(vectors, before.user_ids, before.item_ids, interactions, self.seen), validation, run
        )

    def _train(self, start: NDArray[np.float32], validation: Interactions | None, run: FitRun) -> None:
        training = Training(self.epochs, self.patience, self.batch, validation_users=2000)
        training.run(self, lambda device: _FactorsFit(self, start, device), validation, run)

    def loss_of(self, right: Any, wrong: Any) -> Any:
        """Mean loss of scores (b, 1) of interactions and (b, negatives) of drawn pairs."""
        from torch.nn.functional import softplus

        if self.loss == "bpr":
            return softplus(wrong - right).mean()
        if self.loss == "logistic":
            return softplus(-right).mean() + softplus(wrong).mean()
        return (right - 1).square().mean() + wrong.square().mean()


class _FactorsFit(Fit):
    """Vectors of users and items that learn."""

    def __init__(self, settings: MatrixFactorization, start: NDArray[np.float32], device: str) -> None:
        import torch

        self._settings, self._device = settings, device
        self.module = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False).to(
            device
        )
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.learning_rate, fused=True)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        import torch

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
            yield settings.loss_of(right, wrong) + settings.l2 * penalty / 2

    def state(self) -> dict[str, NDArray[Any]]:
        vectors = self.module.get_parameter("weight").detach().cpu().numpy().copy()
        n_users = self._settings.user_ids.size
        return {"user": vectors[:n_users], "item": vectors[n_users:]}
