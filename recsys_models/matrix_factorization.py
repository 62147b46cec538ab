"""Matrix factorization by stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.device import resolve_device
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.interactions import Interactions
from recsys_models.recommender import FitRun
from recsys_models.validation import validation_ndcg
from recsys_models.warm_start import warm_start

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
        import torch

        device = resolve_device(run.device)
        pairs = self.seen.tocoo()
        n_users, n_items = self.user_ids.size, self.item_ids.size
        users = torch.from_numpy(pairs.row.astype(np.int64))
        items = torch.from_numpy(pairs.col.astype(np.int64))
        embedding = torch.nn.Parameter(torch.from_numpy(start).to(device))
        # unlike those of an index, its gradients are summed in the same order each time
        take = torch.nn.functional.embedding
        optimiser = torch.optim.Adam([embedding], lr=self.learning_rate, fused=True)
        generator = torch.Generator().manual_seed(run.seed)
        best, best_epoch = -1.0, 0
        kept: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        for epoch in range(1, self.epochs + 1):
            total = 0.0
            parts = torch.randperm(users.numel(), generator=generator).split(self.batch)
            for part in parts:
                drawn = torch.randint(n_items, (part.numel(), self.negatives), generator=generator)
                user = take(users[part].to(device), embedding)
                item = take(items[part].to(device) + n_users, embedding)
                other = take(drawn.to(device) + n_users, embedding)
                right, wrong = (user * item).sum(1, keepdim=True), (user[:, None] * other).sum(2)
                penalty = (user.square().sum() + item.square().sum() + other.square().sum()) / part.numel()
                loss = self._loss(right, wrong) + self.l2 * penalty / 2
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                total += loss.item()
            vectors = embedding.detach().cpu().numpy().copy()
            self._user_vectors, self._item_factors = vectors[:n_users], vectors[n_users:]
            metrics = {"loss": total / len(parts)}
            if validation is not None:
                metrics["ndcg"] = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
                if metrics["ndcg"] > best:
                    best, best_epoch = metrics["ndcg"], epoch
                    kept = (self._user_vectors, self._item_factors)
            self.history.append({"epoch": epoch, **metrics})
            if run.on_epoch is not None:
                run.on_epoch(epoch, metrics)
            if kept is not None and epoch - best_epoch >= self.patience:
                break
        if kept is not None:
            self._user_vectors, self._item_factors = kept
            self.chosen = {"epochs": best_epoch}

    def _loss(self, right: Any, wrong: Any) -> Any:
        """Mean loss of scores (b, 1) of interactions and (b, negatives) of drawn pairs."""
        from torch.nn.functional import softplus

        if self.loss == "bpr":
            return softplus(wrong - right).mean()
        if self.loss == "logistic":
            return softplus(-right).mean() + softplus(wrong).mean()
        return (right - 1).square().mean() + wrong.square().mean()
