"""Implicit alternating least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.parameters.parameters import Above0, AtLeast0, Count, Rounds, Width
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import validation_ndcg
from recsys_models.training.warm_start import warm_start


@dataclass(kw_only=True, eq=False)
class IALS(EmbeddingRecommender):
    """Implicit alternating least squares (Hu, Koren & Volinsky 2008) with the frequency-scaled penalty of Rendle et al.
    2021, "Revisiting the performance of iALS on item recommendation benchmarks", equation 3.

    Args:
        dim: length of the embeddings.
        unobserved: weight of a pair without interaction; a pair with one weighs 1 more.
        penalty: L2 penalty, multiplied by (interactions of the row + unobserved · rows of the other side).
        iterations: largest number of sweeps over users and items; with validation the best one is kept.
        patience: number of sweeps without a better validation NDCG@20 after which fitting stops.
    """

    family: ClassVar[str] = "ials"
    starts_from_before: ClassVar[bool] = True

    dim: Width = 64
    unobserved: AtLeast0 = 0.1
    penalty: Above0 = 0.003
    iterations: Rounds = 12
    patience: Count = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._gram: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        generator = np.random.default_rng(run.seed)
        start = generator.standard_normal((interactions.n_items, self.dim)) / np.sqrt(self.dim) * 0.1
        self._sweep(start.astype(np.float32), validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        vectors = np.vstack(before.embeddings())
        start = warm_start(vectors, before.user_ids, before.item_ids, interactions, self.seen)
        self._sweep(start[interactions.n_users :], validation, run)

    def _sweep(self, items: NDArray[np.float32], validation: Interactions | None, run: FitRun) -> None:
        by_user, by_item = self.seen, csr(self.seen.T)
        best, best_iteration = -1.0, 0
        best_state: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._item_factors = items
        for iteration in range(1, self.iterations + 1):
            self._user_vectors = self._solve(by_user, self._item_factors)
            self._item_factors = self._solve(by_item, self._user_vectors)
            metrics: dict[str, float] = {}
            if validation is not None:
                metrics["ndcg"] = validation_ndcg(self.score_block, self.seen, validation, max_users=2000)
                if metrics["ndcg"] > best:
                    best, best_iteration = metrics["ndcg"], iteration
                    best_state = (self._user_vectors, self._item_factors)
            self.history.append({"epoch": iteration, **metrics})
            if run.on_epoch is not None:
                run.on_epoch(iteration, metrics)
            if best_state is not None and iteration - best_iteration >= self.patience:
                break
        if best_state is not None:
            self._user_vectors, self._item_factors = best_state
            self.chosen = {"iterations": best_iteration}

    def _fold_vectors(self, customers: Interactions) -> NDArray[np.float32]:
        """The vectors that the next sweep over users would give."""
        items = self._item_factors
        if self._gram is None or self._gram[0] is not items:
            self._gram = (items, items.T @ items)
        return self._solve(customers.user_items(), items, self._gram[1])

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        must_be(self._item_factors, "item", shape=(self.item_ids.size, self.dim), kind="f")

    def _folds_at_once(self) -> bool:
        return True

    def _learn_folding(self, interactions: Interactions) -> None:
        """Nothing: the vectors have a closed form."""

    def _solve(
        self, matrix: sp.csr_array, other: NDArray[np.float32], gram: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Least-squares vectors of the rows, with those of the columns held fixed.

        Args:
            gram: inner products of the columns' vectors, otherᵀ other, where they are known.
        """
        n, m = shape_of(matrix)
        shared = self.unobserved * (other.T @ other if gram is None else gram)
        unit = np.eye(self.dim, dtype=np.float32)
        solved = np.zeros((n, self.dim), np.float32)
        indptr, indices = np.asarray(matrix.indptr), np.asarray(matrix.indices)
        for row in range(n):
            near = other[indices[indptr[row] : indptr[row + 1]]]
            if near.shape[0]:
                penalty = self.penalty * (near.shape[0] + self.unobserved * m)
                solved[row] = np.linalg.solve(shared + near.T @ near + penalty * unit, near.sum(0))
        return solved
