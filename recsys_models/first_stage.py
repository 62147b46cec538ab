"""The ranker's first stage: candidates, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.feedback import latest_weights
from recsys_models.interactions import Interactions
from recsys_models.neighbours import cosine_neighbours, sparse_from_state, sparse_state
from recsys_models.ranking import mask_items
from recsys_models.recency import recency_weights
from recsys_models.sparse import shape_of
from recsys_models.spectral import spectral_filter
from recsys_models.spectrum import degrees, inverse_power, normalised, truncated_svd

RIDGE = 4.0
FEATURE_BLOCK = 512
"""Users whose candidates are described at once; bounds memory at about FEATURE_BLOCK x candidates x rank floats."""


COSINES = (
    "cosine_1",
    "cosine_2",
    "cosine_3",
    "cosine_sum",
    "cosine_power_1.5",
    "cosine_square",
    "cosine_degree",
    "cosine_items",
)


@dataclass(frozen=True)
class FirstStageSettings:
    """Sizes of the first stage; see `Ranker`."""

    rank: int
    scoring_rank: int
    user_neighbours: int
    item_neighbours: int
    half_life_days: float | None
    iterations: int = 3


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Spectral and neighbourhood models of one set of interactions.

    Attributes:
        seen: users by items, ones.
        left, values, right: singular vectors and values of the normalised matrix, (n_users, r), (r,), (n_items, r).
        user_similarity: users by users, the nearest users of each; item_similarity: items by items, column i holds
            the nearest items of i.
        item_facts: (n_items, facts) numbers known of an item alone.
        scoring_rank: how many singular vectors score candidates.
    """

    seen: sp.csr_array
    left: NDArray[np.float32]
    values: NDArray[np.float32]
    right: NDArray[np.float32]
    user_similarity: sp.csr_array
    item_similarity: sp.csr_array
    item_facts: NDArray[np.float32]
    fact_names: tuple[str, ...]
    scoring_rank: int
    _damped: list[sp.csr_array] = field(default_factory=list, repr=False)

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        settings: FirstStageSettings,
        seed: int,
        warm: NDArray[np.float32] | None = None,
    ) -> FirstStage:
        """Fit on the interactions.

        Args:
            warm: item vectors (n_items, r) near the singular ones, from an earlier fit: one iteration is enough then.
        """
        seen = interactions.user_items()
        weighted = seen
        if settings.half_life_days is not None:
            weighted = latest_weights(interactions, settings.half_life_days)
            weighted.data = np.maximum(weighted.data, 1e-4)
        left, values, right = truncated_svd(
            normalised(weighted, 0.3, 0.3),
            settings.rank,
            iterations=settings.iterations if warm is None else 1,
            seed=seed,
            warm=warm,
        )
        by_user, by_item = degrees(seen)
        rare = sp.csr_array((seen * inverse_power(by_item, 0.3)[None, :]).T)
        users = sp.csr_array(cosine_neighbours(rare, settings.user_neighbours, length=np.sqrt(by_user)).T)
        users.data **= 2
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
            item_similarity=cosine_neighbours(seen, settings.item_neighbours),
            item_facts=np.column_stack(list(facts.values())).astype(np.float32),
            fact_names=tuple(facts),
            scoring_rank=settings.scoring_rank,
        )

    def scores(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Spectral and user-neighbour scores of all items, each of shape (len(rows), n_items)."""
        r = min(self.scoring_rank, self.values.size)
        by_item = degrees(self.seen)[1]
        gain = np.maximum(by_item, 1.0).astype(np.float32) ** 0.2
        weights = spectral_filter(self.values[:r], RIDGE)
        spectral = (self.left[rows, :r] * weights) @ (self.right[:, :r] * gain[:, None]).T
        if not self._damped:
            self._damped.append(sp.csr_array(self.seen * inverse_power(by_item, 0.3)[None, :]))
        neighbours = np.asarray((self.user_similarity[rows] @ self._damped[0]).todense(), np.float32)
        return spectral.astype(np.float32, copy=False), neighbours

    def combined(
        self, rows: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """S / ‖S‖ + 2 K / ‖K‖ of spectral scores S and neighbour scores K, then S and K."""
        spectral, neighbours = self.scores(rows)
        total = spectral / _lengths(spectral) + 2 * neighbours / _lengths(neighbours)
        return total.astype(np.float32, copy=False), spectral, neighbours

    def candidates(
        self, rows: NDArray[np.integer], n: int, total: NDArray[np.float32] | None = None
    ) -> NDArray[np.int64]:
        """The n unseen items of each user with the best combined score, shape (len(rows), min(n, n_items))."""
        import torch

        scores = (self.combined(rows)[0] if total is None else total).copy()
        mask_items(scores, self.seen, rows)
        return torch.topk(torch.from_numpy(scores), min(n, scores.shape[1]), dim=1).indices.numpy()

    def feature_names(self) -> tuple[str, ...]:
        """Names of the last axis of `features`. "_gain" is times (users of the item)^0.2; "_relative" is divided by the
        mean over the user's candidates, which makes users and first stages of different size alike."""
        ranks = [f"spectral_{kind}_{rank}" for rank in self._ranks() for kind in ("flat", "root", "filtered")]
        gained = [f"{name}_gain" for name in ranks if "_flat_" not in name]
        compared = [*ranks, *gained, "combined", "spectral", "spectral_gain", "neighbours", *COSINES]
        alone = ("position", "item_leverage", "user_leverage", "user_degree", *self.fact_names)
        return (*compared, *(f"{name}_relative" for name in compared), *alone)

    def features(self, rows: NDArray[np.integer], n: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Candidates (b, c) of the users and their features (b, c, f), f as `feature_names`."""
        import torch

        total, spectral, neighbours = self.combined(rows)
        items = self.candidates(rows, n, total)
        degree = np.diff(self.seen.indptr).astype(np.float32)[rows]
        by_item = np.expm1(self.item_facts[:, 0])
        gain = np.maximum(by_item, 1.0)[items] ** 0.2
        vectors = torch.from_numpy(self.right)[torch.from_numpy(items)]
        weights = torch.from_numpy(self._weights())
        user = torch.from_numpy(self.left[rows])[:, :, None] * weights[None]
        sums = torch.zeros(*items.shape, weights.shape[1])
        ranks: list[NDArray[np.float32]] = []
        start = 0
        for rank in self._ranks():
            sums = sums + vectors[:, :, start:rank] @ user[:, start:rank]
            ranks.append(sums.numpy())
            start = rank
        stack = np.stack(ranks, 2)
        picked = [np.take_along_axis(block, items, 1) for block in (total, spectral, neighbours)]
        per_user = np.stack([picked[0], picked[1] / gain, picked[1], picked[2]], 2)
        position = np.empty(items.shape, np.float32)
        order = np.argsort(-picked[0], axis=1, kind="stable")
        np.put_along_axis(position, order, np.arange(items.shape[1], dtype=np.float32)[None, :], 1)
        shape = (*items.shape, 1)
        item_leverage = (vectors**2).sum(2).numpy()[:, :, None]
        user_leverage = np.broadcast_to((self.left[rows] ** 2).sum(1)[:, None, None], shape)
        flat = stack.reshape(*items.shape, -1)
        gained = (stack[:, :, :, 1:] * gain[:, :, None, None]).reshape(*items.shape, -1)
        compared = np.concatenate(
            [flat, gained, per_user, self._cosines(rows, items)], axis=2, dtype=np.float32
        )
        mean = compared.mean(1, keepdims=True)
        alone = [position[:, :, None], item_leverage, user_leverage]
        alone += [np.broadcast_to(np.log1p(degree)[:, None, None], shape), self.item_facts[items]]
        relative = compared / np.where(np.abs(mean) > 1e-12, mean, 1)
        return items, np.concatenate([compared, relative, *alone], axis=2, dtype=np.float32)

    def _ranks(self) -> list[int]:
        r = self.values.size
        return sorted({min(rank, r) for rank in (32, 128, 400, 800, r)})

    def _weights(self) -> NDArray[np.float32]:
        """(r, 3): what each singular direction counts: 1, the root of the filter, the filter."""
        filtered = spectral_filter(self.values, RIDGE)
        return np.column_stack([np.ones_like(filtered), np.sqrt(filtered), filtered])

    def _cosines(self, rows: NDArray[np.integer], items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Over the cosines of a candidate with the user's items: the three largest, sums of powers 1, 1.5 and 2, the
        sum with each item weighed by degree^-0.5, how many are not zero. Shape (b, c, 8)."""
        b, c = items.shape
        n_items = shape_of(self.seen)[1]
        slot = np.full((b, n_items), -1, np.int16)
        np.put_along_axis(slot, items, np.arange(c, dtype=np.int16)[None, :], 1)
        owned = self.seen[rows]
        owner = np.repeat(np.arange(b), np.diff(owned.indptr))
        near = self.item_similarity[owned.indices]
        counts = np.diff(near.indptr)
        user = np.repeat(owner, counts)
        at = slot[user, near.indices]
        hit = np.flatnonzero(at >= 0)
        cell = user[hit].astype(np.int64) * c + at[hit]
        value = near.data[hit]
        weight = inverse_power(np.expm1(self.item_facts[:, 0]).astype(np.float64), 0.5)
        source = np.repeat(owned.indices, counts)[hit]
        cells = b * c
        sums = [
            np.bincount(cell, w, cells)
            for w in (value, value**1.5, value**2, value * weight[source], np.ones_like(value))
        ]
        order = np.argsort(cell.astype(np.float64) * 2 - value, kind="stable")
        ordered = cell[order]
        first = np.searchsorted(ordered, np.arange(cells))
        rank = np.arange(ordered.size) - first[ordered]
        largest = np.zeros((3, cells), np.float32)
        for place in range(3):
            chosen = rank == place
            largest[place, ordered[chosen]] = value[order[chosen]]
        return np.stack([*largest, *sums], 1).reshape(b, c, 8).astype(np.float32)

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
            **sparse_state("item_similarity", self.item_similarity),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], seen: sp.csr_array) -> FirstStage:
        """What `state` took apart."""
        n_users, n_items = shape_of(seen)
        return cls(
            seen=seen,
            left=state["left"],
            values=state["values"],
            right=state["right"],
            user_similarity=sparse_from_state("user_similarity", state, (n_users, n_users)),
            item_similarity=sparse_from_state("item_similarity", state, (n_items, n_items)),
            item_facts=state["item_facts"],
            fact_names=tuple(state["fact_names"].tolist()),
            scoring_rank=int(state["scoring_rank"][0]),
        )


def _lengths(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
