"""The base of the families whose score is an inner product of embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_models.fitted_model import Embeddings
from recsys_models.recommender import Recommender
from recsys_models.state_arrays import must_be


@dataclass(kw_only=True, eq=False)
class EmbeddingRecommender(Recommender):
    """A recommender whose score is ⟨user vector, item vector⟩; its `_fit` sets `_user_vectors` and `_item_factors`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._user_vectors: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._item_factors: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._user_vectors[user_rows] @ self._item_factors.T

    def embeddings(self) -> Embeddings:
        return Embeddings(self._user_vectors, self._item_factors)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"user": self._user_vectors, "item": self._item_factors}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._user_vectors, self._item_factors = state["user"], state["item"]
        self._check_vectors()

    def _check_vectors(self) -> None:
        """Raise ValueError where there is not one vector for each user and item, all of one length."""
        must_be(self._user_vectors, "user", shape=(self.user_ids.size, None), kind="f")
        must_be(self._item_factors, "item", shape=(self.item_ids.size, self._user_vectors.shape[1]), kind="f")
