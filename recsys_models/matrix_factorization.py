"""Matrix factorization by stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.parameters.parameters import Above0, AtLeast0, Count, Drawn, RoundsOrNone, Width
from recsys_models.training.fit_run import FitRun
from recsys_models.training.warm_start import warm_start


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(EmbeddingRecommender):
    """Matrix factorization, score(u, i) = ⟨u, v⟩, learned from interactions and drawn pairs by stochastic gradient
    descent (Koren et al. 2009; Rendle et al. 2009).

    Args:
        dim: length of the embeddings.
        loss: "bpr"; "logistic", the cross-entropy of interacted or not; "squared", against 1 and 0.
        negatives: pairs drawn per interaction.
        epochs: largest number of passes over the interactions; with validation the best one is kept.
        patience: number of epochs without a better validation NDCG@20 after which training stops.
        batch: interactions per step.
        learning_rate: learning rate of Adam.
        l2: L2 penalty on the batch's embeddings.
    """

    family: ClassVar[str] = "matrix_factorization"
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    dim: Width = 64
    loss: Literal["bpr", "logistic", "squared"] = "bpr"
    negatives: Drawn = 4
    epochs: RoundsOrNone = 30
    patience: Count = 3
    batch: Count = 4096
    learning_rate: Above0 = 0.01
    l2: AtLeast0 = 1e-3

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
        from recsys_models.networks.factorization_fit import FactorizationFit
        from recsys_models.training.trainer import Training

        training = Training(self.epochs, self.patience, self.batch, validation_users=2000)
        training.run(self, lambda device: FactorizationFit(self, start, device), validation, run)
