"""The base of the families whose score is an inner product of embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.fitted.fitted_model import NO_EVIDENCE, Embeddings
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.fold_map import EXPONENTS, FoldMap
from recsys_models.kernels.links import Links
from recsys_models.kernels.longest_first import LongestFirst
from recsys_models.recommender import Recommender


@dataclass(kw_only=True, eq=False)
class EmbeddingRecommender(Recommender):
    """A recommender whose score is ⟨user vector, item vector⟩; its `_fit` sets `_user_vectors` and `_item_factors`.

    A customer is folded in by a `FoldMap`, from the sum of the vectors of their items.
    """

    needs_links: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._user_vectors: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._item_factors: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._fold_map: FoldMap | None = None
        self._fit_links: Links | None = None
        self._longest_first: tuple[tuple[Any, ...], LongestFirst] | None = None

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._user_vectors[user_rows] @ self._item_factors.T

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return self._fold_vectors(customers) @ self._item_factors.T

    def _quick_list(
        self,
        customer: Interactions,
        k: int,
        hidden: NDArray[np.int32] | None,
        chosen: NDArray[np.int32] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        query = self._queries(self._fold_vectors(customer))[0]
        if not np.isfinite(query).all():
            return None
        items = self._items_longest_first()
        rows, values = items.best(query, k, exclude=hidden, among=chosen)
        if self.needs_links and not self._links().join(customer, rows):
            return None  # an item that nothing links to the customer has its place by popularity
        if items.rows.size < self.n_items and (rows.size < k or values[-1] <= NO_EVIDENCE):
            return None  # items that nothing is known of have a place in the list
        found, scores = np.full(k, -1, np.int32), np.full(k, -np.inf, np.float32)
        found[: rows.size], scores[: rows.size] = rows, values
        return found, scores

    def _queries(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of customers whose inner products with `embeddings().item` are the scores."""
        return vectors

    def _links(self) -> Links:
        return super()._links() if self._fit_links is None else self._fit_links

    def _items_longest_first(self) -> LongestFirst:
        """Embeddings of the evaluated items, longest first."""
        made_of = self._scored_by()
        known = self._longest_first
        if known is None or any(one is not other for one, other in zip(known[0], made_of, strict=True)):
            embeddings = self.embeddings()
            assert embeddings is not None
            known = self._longest_first = (made_of, LongestFirst.of(embeddings.item, self._items_judged()))
        return known[1]

    def _scored_by(self) -> tuple[Any, ...]:
        """The arrays from which items are scored; a fit makes new ones."""
        return self._item_factors, self.seen

    def _fold_vectors(self, customers: Interactions) -> NDArray[np.float32]:
        """Vectors of customers to fold in, shape (n_users, d)."""
        fold_map = self._fold_map
        if fold_map is None:
            # a file from before maps were kept: the users' items are known, what weights they had is not
            fold_map = self._fold_map = self._fold_map_of([self.seen])
        edges = self._fold_edges(customers)
        if len(edges) != fold_map.n_edges:
            edges = [customers.user_items()]
        return fold_map.vectors(edges, self._item_factors)

    def _folds_at_once(self) -> bool:
        return self._fold_map is not None

    def _fold_edges(self, interactions: Interactions) -> list[sp.csr_array]:
        """Weights, users by items, of the sums from which users' vectors are computed."""
        return [interactions.user_items()]

    def _fold_exponents(self) -> tuple[Sequence[float], Sequence[float]]:
        """Powers of the items' and of the users' degrees, from which those of the `FoldMap` are chosen."""
        return EXPONENTS, EXPONENTS

    def _fold_map_of(self, edges: Sequence[sp.csr_array]) -> FoldMap:
        by_items, by_users = self._fold_exponents()
        return FoldMap.learned(
            edges, self._user_vectors, self._item_factors, item_exponents=by_items, user_exponents=by_users
        )

    def _learn_folding(self, interactions: Interactions) -> None:
        self._fold_map = self._fold_map_of(self._fold_edges(interactions))

    def embeddings(self) -> Embeddings:
        return Embeddings(self._user_vectors, self._item_factors)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            "user": self._user_vectors,
            "item": self._item_factors,
            **self._fold_state(),
            **self._link_state(),
        }

    def _link_state(self) -> dict[str, NDArray[Any]]:
        """Arrays of the links between users and items besides the interactions."""
        return {} if self._fit_links is None else self._fit_links.state()

    def _fold_state(self) -> dict[str, NDArray[Any]]:
        return {} if self._fold_map is None else self._fold_map.state()

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._user_vectors, self._item_factors = state["user"], state["item"]
        self._check_vectors()
        self._fold_map = FoldMap.from_state(state, self.item_ids.size, self._item_factors.shape[1])
        self._fit_links = Links.from_state(state, self.seen)

    def _check_vectors(self) -> None:
        """Raise ValueError unless there is one vector for each user and item, all of one length."""
        must_be(self._user_vectors, "user", shape=(self.user_ids.size, None), kind="f")
        must_be(self._item_factors, "item", shape=(self.item_ids.size, self._user_vectors.shape[1]), kind="f")
