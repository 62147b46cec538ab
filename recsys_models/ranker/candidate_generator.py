"""The candidate generator: a user's best items by spectral and neighbourhood scores, with features for the ranker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights, latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import recency_weights
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.affinity import item_affinity
from recsys_models.kernels.degrees import degrees, inverse_power, normalised
from recsys_models.kernels.near_rows import NearRows
from recsys_models.kernels.neighbours import cosine_neighbours, sparse_from_state, sparse_state
from recsys_models.kernels.sparse import csr, shape_of
from recsys_models.kernels.spectral_filter import spectral_filter
from recsys_models.kernels.top_items import mask_items
from recsys_models.kernels.truncated_svd import truncated_svd
from recsys_models.ranker.candidate_features import RIDGE, describe, feature_names, likeness_lengths

EXPONENT = 0.3
"""Power of the degrees that the matrix is divided by before its singular vectors are taken."""
RARITY = 0.3
"""Power by which items of many users count less in the similarity of users; see `UserNeighbours`."""


@dataclass(frozen=True)
class CandidateGeneratorSettings:
    """Settings of a candidate generator; see `Ranker`."""

    rank: int
    scoring_rank: int
    user_neighbours: int
    item_neighbours: int
    half_life_days: float | None
    iterations: int = 3
    warm_iterations: int = 2


class Customers(NamedTuple):
    """Customers as a candidate generator sees them: users of its fit, or others that are folded in.

    Attributes:
        seen: (b, n_items), ones.
        left: (b, r) left singular vectors.
        similarity: (b, n_users), the similarity of the nearest users of the fit.
        own: (b,) similarity with themselves, where that does not stand in `similarity`: 0 for users of the fit.
    """

    seen: sp.csr_array
    left: NDArray[np.float32]
    similarity: sp.csr_array
    own: NDArray[np.float32]

    def take(self, places: NDArray[np.integer]) -> Customers:
        """The customers at these places."""
        return Customers(
            csr(self.seen[places]), self.left[places], csr(self.similarity[places]), self.own[places]
        )


@dataclass(frozen=True, eq=False)
class CandidateGenerator:
    """Candidate generator on one set of interactions: a spectral and a user-neighbourhood model.

    Attributes:
        seen: users by items, ones.
        left, values, right: singular vectors and values of the normalised matrix, (n_users, r), (r,), (n_items, r).
        user_similarity: users by users; row u holds the similarity of the nearest users of u.
        item_affinity: items by items, as `item_affinity` gives it.
        item_facts: (n_items, facts) features of an item alone, named by `fact_names`.
        scoring_rank: number of singular vectors that score candidates.
    """

    seen: sp.csr_array
    left: NDArray[np.float32]
    values: NDArray[np.float32]
    right: NDArray[np.float32]
    user_similarity: sp.csr_array
    item_affinity: sp.csr_array
    item_facts: NDArray[np.float32]
    fact_names: tuple[str, ...]
    scoring_rank: int
    gain: NDArray[np.float32] = field(init=False, repr=False)
    damping: NDArray[np.float32] = field(init=False, repr=False)
    item_leverage: NDArray[np.float32] = field(init=False, repr=False)
    likeness: list[tuple[int, NDArray[np.float32]]] = field(init=False, repr=False)
    _damped: sp.csr_array = field(init=False, repr=False)
    _item_weights: NDArray[np.float32] = field(init=False, repr=False)
    _item_gram: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_item = degrees(self.seen)[1]
        rank = min(self.scoring_rank, self.values.size)
        gain = np.maximum(by_item, 1.0).astype(np.float32) ** 0.2
        item_weights = (self.right[:, :rank] * spectral_filter(self.values[:rank], RIDGE) * gain[:, None]).T
        for name, value in {
            "gain": gain,
            "damping": inverse_power(by_item, 0.3),
            "item_leverage": (self.right**2).sum(1),
            "likeness": likeness_lengths(self.right, self.values),
            "_damped": csr(self.seen * inverse_power(by_item, 0.3)[None, :]),
            "_item_weights": item_weights,
            "_item_gram": item_weights @ item_weights.T,
        }.items():
            object.__setattr__(self, name, value)

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        settings: CandidateGeneratorSettings,
        seed: int,
        warm: NDArray[np.float32] | None = None,
    ) -> CandidateGenerator:
        """A candidate generator fitted on the interactions.

        Args:
            warm: item vectors (n_items, r) of an earlier fit, near the singular vectors; with them, fewer iterations
                suffice.
        """
        seen = interactions.user_items()
        left, values, right = truncated_svd(
            normalised(edge_weights(interactions, settings.half_life_days), EXPONENT, EXPONENT),
            settings.rank,
            iterations=settings.iterations if warm is None else settings.warm_iterations,
            seed=seed,
            warm=warm,
        )
        by_user, by_item = degrees(seen)
        rare = sp.csr_array((seen * inverse_power(by_item, RARITY)[None, :]).T)
        users = sp.csr_array(cosine_neighbours(rare, settings.user_neighbours, length=np.sqrt(by_user)).T)
        facts = {"item_degree": np.log1p(by_item)}
        if interactions.timestamp is not None:
            for days in (7.0, 28.0):
                recent = np.bincount(
                    interactions.item, recency_weights(interactions, days), interactions.n_items
                )
                facts[f"item_recent_{days:.0f}"] = np.log1p(recent)
            latest = latest_weights(interactions, 14.0)
            facts["item_recent_users"] = np.log1p(degrees(latest)[1])
        return cls(
            seen=seen,
            left=left,
            values=values,
            right=right,
            user_similarity=users,
            item_affinity=item_affinity(seen, settings.item_neighbours),
            item_facts=np.column_stack(list(facts.values())).astype(np.float32),
            fact_names=tuple(facts),
            scoring_rank=settings.scoring_rank,
        )

    def customers(self, rows: NDArray[np.integer]) -> Customers:
        """Users of the fit as customers."""
        own = np.zeros(rows.size, np.float32)
        return Customers(csr(self.seen[rows]), self.left[rows], csr(self.user_similarity[rows]), own)

    def folded(self, seen: sp.csr_array, left: NDArray[np.float32], near: NearRows) -> Customers:
        """Customers that are folded in.

        Args:
            seen: the items that each has, (b, n_items), ones.
            left: (b, r) left singular vectors, estimated from histories.
            near: as `near_rows` gives it.
        """
        return Customers(seen, left, *near.of(seen))

    def near_rows(self, neighbours: int) -> NearRows:
        """The users of the fit among whom customers' nearest neighbours are found."""
        return NearRows(self.seen, RARITY, neighbours)

    def scores(self, who: NDArray[np.integer] | Customers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Spectral and user-neighbour scores of all items, each of shape (customers, n_items).

        Args:
            who: here and below, rows of users of the fit, or customers.
        """
        customers = self._customers_of(who)
        spectral = self._user_vectors(customers) @ self._item_weights
        return spectral, np.asarray(self._neighbours(customers).todense(), np.float32)

    def combined(self, who: NDArray[np.integer] | Customers) -> NDArray[np.float32]:
        """Combined scores S / ‖S‖ + 2 K / ‖K‖ of spectral S and neighbour scores K, shape (customers, n_items)."""
        customers = self._customers_of(who)
        user, neighbours = self._user_vectors(customers), self._neighbours(customers)
        # ‖x W‖² = x W Wᵀ xᵀ: the length follows without a pass over the scores
        square = np.einsum("ij,ij->i", user @ self._item_gram, user)
        spectral = (user / np.sqrt(np.maximum(square, 1e-24))[:, None]) @ self._item_weights
        # the appended 0 is where rows without neighbours at the end may start
        length = np.sqrt(
            np.add.reduceat(np.append(neighbours.data, np.float32(0)) ** 2, neighbours.indptr[:-1])
        )
        share = (2 / np.maximum(length, 1e-12)).astype(np.float32)
        neighbours.data *= np.repeat(share, np.diff(neighbours.indptr))
        return np.asarray(neighbours + spectral)

    def candidates(
        self,
        who: NDArray[np.integer] | Customers,
        n: int,
        combined: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Candidates: the n unseen items of each customer with the best combined scores, and these scores.

        Both have the shape (customers, min(n, n_items)). Where fewer are unseen, seen ones follow with a score of -inf.
        """
        customers = self._customers_of(who)
        scores = self.combined(customers) if combined is None else combined.copy()
        mask_items(scores, customers.seen, np.arange(scores.shape[0]))
        best = torch.topk(torch.from_numpy(scores), min(n, scores.shape[1]), dim=1)
        return best.indices.numpy(), best.values.numpy()

    def feature_names(self) -> tuple[str, ...]:
        """Names of the last axis of `features`."""
        return feature_names(self)

    def features(
        self,
        who: NDArray[np.integer] | Customers,
        n: int,
        combined: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Candidates (b, c) of the customers, and the candidates' features (b, c, f), named by `feature_names`."""
        customers = self._customers_of(who)
        items, best = self.candidates(customers, n, combined)
        return items, self.described(customers, items, best)

    def described(
        self, who: NDArray[np.integer] | Customers, items: NDArray[np.int64], best: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Features (b, c, f) of candidates and their scores as `candidates` gives them."""
        known = np.where(best > -np.inf, best, 0).astype(np.float32)
        return describe(self, self._customers_of(who), items, known)

    def _customers_of(self, who: NDArray[np.integer] | Customers) -> Customers:
        return who if isinstance(who, Customers) else self.customers(who)

    def _user_vectors(self, customers: Customers) -> NDArray[np.float32]:
        return customers.left[:, : self._item_weights.shape[0]]

    def _neighbours(self, customers: Customers) -> sp.csr_array:
        likeness = customers.similarity.copy()
        likeness.data = likeness.data**2
        scores = csr(likeness @ self._damped)
        if not customers.own.any():
            return scores
        itself = customers.seen.copy()
        itself.data = np.repeat(customers.own**2, np.diff(itself.indptr)) * self.damping[itself.indices]
        return csr(scores + itself)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file."""
        return {
            "left": self.left,
            "values": self.values,
            "right": self.right,
            "item_facts": self.item_facts,
            "fact_names": np.array(self.fact_names),
            "scoring_rank": np.array([self.scoring_rank]),
            **sparse_state("user_similarity", self.user_similarity),
            **sparse_state("item_affinity", self.item_affinity),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], seen: sp.csr_array) -> CandidateGenerator:
        """The candidate generator that `state` turned into arrays."""
        n_users, n_items = shape_of(seen)
        must_be(state["values"], "values", shape=(None,), kind="f")
        rank, names = state["values"].size, state["fact_names"]
        must_be(state["left"], "left", shape=(n_users, rank), kind="f")
        must_be(state["right"], "right", shape=(n_items, rank), kind="f")
        must_be(names, "fact_names", shape=(None,), kind="U")
        must_be(state["item_facts"], "item_facts", shape=(n_items, names.size), kind="f")
        return cls(
            seen=seen,
            left=state["left"],
            values=state["values"],
            right=state["right"],
            user_similarity=sparse_from_state("user_similarity", state, (n_users, n_users)),
            item_affinity=sparse_from_state("item_affinity", state, (n_items, n_items)),
            item_facts=state["item_facts"],
            fact_names=tuple(state["fact_names"].tolist()),
            scoring_rank=int(state["scoring_rank"][0]),
        )
