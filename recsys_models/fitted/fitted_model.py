"""A fitted model: items for users, and items similar to an item."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_models.data.ids import Ids, as_ids, rows_of
from recsys_models.data.interactions import Interactions, each_once
from recsys_models.data.recency import recency_weights
from recsys_models.fitted.state_arrays import must_be, sparse
from recsys_models.kernels.links import Links
from recsys_models.kernels.top_items import block_rows, mask_items, top_k

NO_EVIDENCE = -1e6
"""Highest score of an item for which the model has no evidence, neither for nor against it."""
COLD_HALF_LIFE_DAYS = 28.0
"""Age at which an interaction counts half in the popularity that cold users get."""


class _FittedInteractions:
    """Type of `FITTED_INTERACTIONS`."""

    def __repr__(self) -> str:
        return "<the fitted interactions>"


FITTED_INTERACTIONS = _FittedInteractions()
"""Value of `exclude` that stands for the interactions that the model was fitted on."""


class Embeddings(NamedTuple):
    """Embeddings whose inner products are the scores: `user` (n_users, d) and `item` (n_items, d), float32."""

    user: NDArray[np.float32]
    item: NDArray[np.float32]


class FitBasis(NamedTuple):
    """The interactions that a model was fitted on, as far as the fitted model needs them.

    Attributes:
        user_ids, item_ids: id maps; row r of every array of the model belongs to id r.
        seen: users by items, CSR of ones where they interacted.
        popular: float32, shape (n_items,): scores for users without interactions.
        latest: moment of the latest interaction, microseconds since 1970; None without timestamps, and for models from
            files that lack it.
    """

    user_ids: Ids
    item_ids: Ids
    seen: sp.csr_array
    popular: NDArray[np.float32]
    latest: int | None = None

    @classmethod
    def of(cls, interactions: Interactions) -> FitBasis:
        """The basis of a fit on these interactions; popularity decays with `COLD_HALF_LIFE_DAYS`."""
        weights = recency_weights(interactions, COLD_HALF_LIFE_DAYS)
        popular = np.bincount(interactions.item, weights, interactions.n_items).astype(np.float32)
        moment = interactions.timestamp
        latest = int(moment.max()) if moment is not None and moment.size else None
        return cls(interactions.user_ids, interactions.item_ids, interactions.user_items(), popular, latest)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name that a file stores, besides `latest`."""
        return {
            "user_ids": self.user_ids,
            "item_ids": self.item_ids,
            "seen.indptr": self.seen.indptr.astype(np.int64),
            "seen.indices": self.seen.indices.astype(np.int32),
            "popular": self.popular,
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]], latest: Any) -> FitBasis:
        """The basis from a file's arrays, of which those of `arrays` are removed, and from the file's `latest`.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit together, or are none of a basis.
        """
        user_ids, item_ids = arrays.pop("user_ids"), arrays.pop("item_ids")
        for name, ids in (("user_ids", user_ids), ("item_ids", item_ids)):
            must_be(ids, name, shape=(None,), kind="iU")
            each_once(ids, name)
        indptr, indices = arrays.pop("seen.indptr"), arrays.pop("seen.indices")
        ones = np.ones(indices.size, np.float32)
        seen = sparse("seen", ones, indices, indptr, (user_ids.size, item_ids.size))
        popular = arrays.pop("popular")
        must_be(popular, "popular", shape=(item_ids.size,), kind="f")
        if latest is not None and type(latest) is not int:
            raise ValueError(f"latest: expected microseconds since 1970 or null, found {latest!r}")
        return cls(user_ids, item_ids, seen, popular, latest)


class _BasisFacts(NamedTuple):
    """Facts derived from a basis that are needed for every block of users.

    Attributes:
        seen, popular: those of the basis that it follows from.
        warm: (n_users,) users with an interaction.
        had: (n_items,) what somebody had.
        unjudged: (n_items,) scores from `NO_EVIDENCE` downwards in the order of popularity.
    """

    seen: sp.csr_array
    popular: NDArray[np.float32]
    warm: NDArray[np.bool_]
    had: NDArray[np.bool_]
    unjudged: NDArray[np.float32]


def has_evidence(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mask of the scores of `recommend` or `scores` that rest on evidence; other items are listed by popularity, or are
    empty places."""
    return scores > NO_EVIDENCE


class FittedModel(ABC):
    """A fitted model: scores, recommendations and similar items. A family gives `score_block`.

    Attributes:
        user_ids, item_ids, seen, popular, latest: the interactions that the model was fitted on; see `FitBasis`.
    """

    family: ClassVar[str]
    needs_links: ClassVar[bool] = False
    """True where scores carry evidence only for a user and an item that a chain of interactions, features or relations
    connects. Without one their score is popularity, or random numbers of the fit."""

    def __init__(self) -> None:
        self.user_ids: Ids = np.empty(0, np.int64)
        self.item_ids: Ids = np.empty(0, np.int64)
        self.seen: sp.csr_array = sp.csr_array((0, 0), dtype=np.float32)
        self.popular: NDArray[np.float32] = np.empty(0, np.float32)
        self.latest: int | None = None
        self._basis_facts: _BasisFacts | None = None
        self._known_links: tuple[sp.csr_array, Links] | None = None

    @property
    def basis(self) -> FitBasis:
        """The interactions that the model was fitted on."""
        return FitBasis(self.user_ids, self.item_ids, self.seen, self.popular, self.latest)

    @basis.setter
    def basis(self, basis: FitBasis) -> None:
        self.user_ids, self.item_ids, self.seen, self.popular, self.latest = basis

    @abstractmethod
    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Scores of all items for users given by row number, a new float32 array (len(user_rows), n_items)."""

    def embeddings(self) -> Embeddings | None:
        """Embeddings of users and items; None for families without any."""
        return None

    @property
    def name(self) -> str:
        """The family's name, as in the registry."""
        return self.family

    @property
    def n_items(self) -> int:
        """Number of items that the model knows."""
        return self.item_ids.size

    def rows(self, users: ArrayLike | Iterable[int | str]) -> NDArray[np.int32]:
        """Row number of each user id, -1 where unknown."""
        return rows_of(as_ids(users, "user"), self.user_ids, "user")

    def is_cold(self, users: ArrayLike | Iterable[int | str]) -> NDArray[np.bool_]:
        """Mask of the cold users: the model knows no interaction of theirs, so they get popular items."""
        self._must_be_fitted()
        return self._cold(self.rows(users))

    def scores(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Scores from `score_block`; cold users (row -1, or a row without interactions) get those of popularity.

        Where there is no evidence for or against an item, its score is at most `NO_EVIDENCE`, so that it follows all
        others, and among such items the popular ones come first.
        """
        cold = self._cold(user_rows)
        if not cold.any():
            scores = self.score_block(user_rows)
            self._rank_unjudged(scores, self._evidence(user_rows, scores))
            return scores
        scores = np.empty((user_rows.size, self.n_items), np.float32)
        scores[cold] = self.popular
        self._rank_unjudged(scores, self.popular > 0)
        if not cold.all():
            scores[~cold] = self.scores(user_rows[~cold])
        return scores

    def recommend(
        self,
        users: ArrayLike | Iterable[int | str],
        k: int = 20,
        *,
        exclude: Interactions | _FittedInteractions | None = FITTED_INTERACTIONS,
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The k best items of each user, best first; equal scores by item row ascending.

        Items for which the model has no evidence come last, by popularity; `has_evidence` finds them by score.

        Args:
            users: ids, known or not. Unknown users and users without interactions get popular items (`is_cold`).
            exclude: interactions whose items are left out, by default those that the model was fitted on; None: none.

        Returns:
            Ids and scores of shape (len(users), k). Where fewer than k items are left, the id is -1 (or None where
            ids are strings, in an object array) and the score -inf.
        """
        columns, values = self.ranked(users, k, exclude=exclude)
        return self._item_ids_of(columns), values

    def ranked(
        self,
        users: ArrayLike | Iterable[int | str],
        k: int = 20,
        *,
        exclude: Interactions | _FittedInteractions | None = FITTED_INTERACTIONS,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Like `recommend`, with row numbers of `item_ids` instead of ids: far less memory for many users.

        Returns:
            Rows, -1 where fewer than k items are left, and scores, both of shape (len(users), k).
        """
        self._must_be_fitted()
        k = list_length(k)
        wanted = as_ids(users, "user")
        rows = rows_of(wanted, self.user_ids, "user")
        hidden, hidden_rows = self._hidden(exclude, wanted, rows)
        columns = np.empty((rows.size, k), np.int32)
        values = np.empty((rows.size, k), np.float32)
        step = block_rows(self.n_items)
        for start in range(0, rows.size, step):
            block = slice(start, start + step)
            scores = self.scores(rows[block])
            if hidden is not None:
                mask_items(scores, hidden, hidden_rows[block])
            columns[block], values[block] = top_k(scores, k)
        return columns, values

    def similar_items(
        self,
        items: ArrayLike | Iterable[int | str],
        k: int = 20,
        *,
        among: ArrayLike | Iterable[int | str] | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The k items most similar to each item, by the cosine of their embeddings, or of the users who have them.

        Args:
            items: ids, known or not.
            k: number of similar items.
            among: ids that the similar items are chosen from; None: all items.

        Returns:
            Ids and cosines of shape (len(items), k), without the item itself and without items whose cosine is 0 or
            less, which are not alike; padded as in `recommend`; all are padding for an item that is unknown or that
            nobody had.
        """
        self._must_be_fitted()
        k = list_length(k)
        rows = rows_of(as_ids(items, "item"), self.item_ids, "item")
        judged = self._items_judged()
        allowed = np.arange(self.n_items, dtype=np.int32)
        if among is not None:
            allowed = np.unique(rows_of(as_ids(among, "among"), self.item_ids, "among"))
            allowed = allowed[allowed >= 0]
        allowed = allowed[judged[allowed]]
        columns = np.full((rows.size, k), -1, np.int32)
        values = np.full((rows.size, k), -np.inf, np.float32)
        known = np.flatnonzero((rows >= 0) & judged[rows]) if allowed.size else np.empty(0, np.int64)
        vectors = self._item_vectors()
        others = vectors[allowed].T
        step = block_rows(allowed.size)
        for start in range(0, known.size, step):
            block = known[start : start + step]
            cosine = vectors[rows[block]] @ others
            dense = np.asarray(cosine.todense() if sp.issparse(cosine) else cosine, np.float32)  # type: ignore[union-attr]
            place = np.searchsorted(allowed, rows[block])
            own = np.flatnonzero(
                (place < allowed.size) & (allowed[np.minimum(place, allowed.size - 1)] == rows[block])
            )
            dense[own, place[own]] = -np.inf
            found, reached = top_k(dense, k)
            alike = (found >= 0) & (reached > 0)
            columns[block] = np.where(alike, allowed[found], -1)
            values[block] = np.where(alike, reached, -np.inf)
        return self._item_ids_of(columns), values

    def _must_be_fitted(self) -> None:
        if not self.item_ids.size:
            raise ValueError(f"{self.name}: expected a fitted model, found one without data; call fit first")

    def _cold(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        return (rows < 0) | ~self._facts().warm[rows]

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Items for which the model has evidence for these users: shape (n_items,), or that of `scores`.

        Args:
            who: rows of users of the fit, or customers that are folded in.
            scores: what `score_block`, or folding in, gave for them.
        """
        judged = self._items_judged()
        return judged & self._links().to_items(who, self.n_items) if self.needs_links else judged

    def _links(self) -> Links:
        """Links between users and items in the interactions of the fit."""
        if self._known_links is None or self._known_links[0] is not self.seen:
            self._known_links = (self.seen, Links.of(self.seen))
        return self._known_links[1]

    def _items_judged(self) -> NDArray[np.bool_]:
        """Items for which the model has evidence for anybody, shape (n_items,): those that somebody had."""
        return self._facts().had

    def _rank_unjudged(self, scores: NDArray[np.float32], evidence: NDArray[np.bool_]) -> None:
        """Give items without evidence, in place, scores from `NO_EVIDENCE` downwards in the order of popularity."""
        if evidence.all():
            return
        unjudged = self._facts().unjudged
        if evidence.ndim == 1:
            scores[:, ~evidence] = unjudged[~evidence]
        else:
            np.copyto(scores, unjudged[None, :], where=~evidence)

    def _facts(self) -> _BasisFacts:
        known, n_items = self._basis_facts, self.n_items
        if known is None or known.seen is not self.seen or known.popular is not self.popular:
            place = np.empty(n_items)
            place[np.argsort(-self.popular, kind="stable")] = np.arange(n_items)
            known = self._basis_facts = _BasisFacts(
                self.seen,
                self.popular,
                np.diff(self.seen.indptr) > 0,
                np.bincount(self.seen.indices, minlength=n_items) > 0,
                (NO_EVIDENCE * (1 + place / max(1, n_items))).astype(np.float32),
            )
        return known

    def _hidden(
        self, exclude: Interactions | _FittedInteractions | None, wanted: Ids, rows: NDArray[np.int32]
    ) -> tuple[sp.csr_array | None, NDArray[np.int32]]:
        if exclude is None:
            return None, rows
        if isinstance(exclude, _FittedInteractions):
            return self.seen, rows
        exclude = exclude.counted
        known = rows_of(exclude.item_ids, self.item_ids, "item")[exclude.item]
        kept = known >= 0
        shape = (exclude.n_users, self.n_items)
        ones = np.ones(int(kept.sum()), np.float32)
        hidden = sp.coo_array((ones, (exclude.user[kept], known[kept])), shape=shape).tocsr()
        return hidden, rows_of(wanted, exclude.user_ids, "user")

    def _item_vectors(self) -> Any:
        embeddings = self.embeddings()
        if embeddings is not None:
            norm = np.linalg.norm(embeddings.item, axis=1, keepdims=True)
            return embeddings.item / np.maximum(norm, 1e-12)
        degree = np.asarray(self.seen.sum(axis=0), np.float32).ravel()
        return (self.seen * (1 / np.sqrt(np.maximum(degree, 1)))[None, :]).T.tocsr()

    def _item_ids_of(self, columns: NDArray[np.int32]) -> NDArray[Any]:
        padded = columns < 0
        ids = self.item_ids[np.where(padded, 0, columns)]
        if ids.dtype.kind != "U":
            return np.where(padded, -1, ids)
        ids = ids.astype(object)
        ids[padded] = None
        return ids


def list_length(k: int) -> int:
    """The length of a list, checked.

    Raises:
        ValueError: it is no whole number ≥ 1.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k: expected a whole number ≥ 1, found {k!r}")
    return int(k)
