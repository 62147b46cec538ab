"""Folding in: scores for a customer from a history given with the request, without a fit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys_models.data.history import History, as_interactions
from recsys_models.data.ids import as_ids, rows_of
from recsys_models.data.interactions import Interactions, weight_column
from recsys_models.data.moments import moments
from recsys_models.fitted.fitted_model import FittedModel, list_length
from recsys_models.kernels.top_items import top_k


class Folding(FittedModel):
    """A fitted model that folds customers in. A family gives `_fold_scores`.

    Folding in the history of the fit gives the scores of the fit: exactly, if the family's scores follow from the
    customer's row alone; approximately, if the family learned a vector for each customer.
    """

    @abstractmethod
    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        """Scores as of `score_block` for the users of these interactions, who have at least one each.

        Args:
            customers: on the model's id map of items, with users of their own; ages count from their `now`.

        Raises:
            NotImplementedError: the family cannot fold in; the message says why.
        """

    def history_of(
        self,
        items: ArrayLike | Iterable[int | str],
        *,
        behaviours: Sequence[str] | None = None,
        timestamps: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> History:
        """The history of a customer by item ids; its `unknown` names the places of ids that the model does not know.

        Args:
            timestamps: microseconds since 1970 or datetimes, as of `moments`.

        Raises:
            ValueError: an id, a timestamp or a weight is invalid; the message names the column and the row.
        """
        self._must_be_fitted()
        rows = rows_of(as_ids(items, "item"), self.item_ids, "item")
        return History(
            rows,
            behaviours,
            None if timestamps is None else moments(timestamps, "timestamp"),
            None if weights is None else weight_column(weights, rows.size, "weight"),
        )

    def fold_in(self, histories: Sequence[History], *, now: int | None = None) -> NDArray[np.float32]:
        """Scores of all items for customers with these histories, as `scores` gives them to users of the fit.

        A history without a known item is that of a cold customer and gets the scores of popularity.

        Args:
            now: time that ages count from, microseconds since 1970; later interactions have age 0. None: the latest
                time of the fit, `basis.latest`, or of the histories where that is unknown.

        Returns:
            Shape (len(histories), n_items).

        Raises:
            ValueError: a history is invalid; the message gives the history and the place.
            NotImplementedError: the family cannot fold in; the message says why.
        """
        self._must_be_fitted()
        return self._scores_of_all(
            as_interactions(histories, self.item_ids, self.latest if now is None else now)
        )

    def answer(
        self,
        history: History,
        k: int = 20,
        *,
        exclude: NDArray[np.int32] | None = None,
        among: NDArray[np.int32] | None = None,
        now: int | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k best items for one customer, best first, as `ranked` lists them; the fast path for single requests.

        Args:
            exclude: rows of items that are left out, such as `history.items`; -1 stands for none. None: nothing is.
            among: rows of the items that the list is chosen from; None: all.
            now: as in `fold_in`.

        Returns:
            Rows of `item_ids`, -1 where fewer than k items are left, and their scores, both of shape (k,).

        Raises:
            ValueError: as in `fold_in`; a row of `exclude` or `among` is invalid; k is not a whole number ≥ 1.
        """
        self._must_be_fitted()
        k, latest = list_length(k), self.latest if now is None else now
        chosen = None if among is None else self._item_rows(among, "among")
        hidden = None if exclude is None else self._item_rows(exclude, "exclude")
        customer = as_interactions([history], self.item_ids, latest)
        quick = self._quick_list(customer, k, hidden, chosen) if len(customer) else None
        if quick is not None:
            return quick
        scores = self._scores_of_all(customer)
        if chosen is not None:
            rest = np.ones(self.n_items, bool)
            rest[chosen] = False
            scores[0, rest] = -np.inf
        if hidden is not None:
            scores[0, hidden] = -np.inf
        rows, values = top_k(scores, k)
        return rows[0], values[0]

    def _quick_list(
        self,
        customer: Interactions,
        k: int,
        hidden: NDArray[np.int32] | None,
        chosen: NDArray[np.int32] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        """The list of one customer, as `answer` gives it; None if it needs the scores of all items.

        Args:
            customer: interactions of one customer, at least one.
            hidden: rows of items that are left out.
            chosen: rows of the items that the list is chosen from.
        """
        near = self._near_scores(customer)
        if near is None:
            return None
        if hidden is not None:
            near[hidden] = 0
        if chosen is not None:
            near, known = np.zeros_like(near), near
            near[chosen] = known[chosen]
        rows, values = top_k(near[None, :], k)
        return (rows[0], values[0]) if values[0, -1] > 0 else None

    def _near_scores(self, customer: Interactions) -> NDArray[np.float32] | None:
        """Scores as of `_fold_scores` for one customer, shape (n_items,), in a family whose scores are 0 without
        evidence and above 0 with it; None in others. A list that is full of such scores is final."""
        return None

    def _scores_of_all(self, customers: Interactions) -> NDArray[np.float32]:
        """Scores of customers, who may be cold."""
        if not customers.n_users:
            return np.empty((0, self.n_items), np.float32)
        warm = np.bincount(customers.user, minlength=customers.n_users) > 0
        if warm.all():
            return self._judged_scores(customers)
        scores = np.empty((warm.size, self.n_items), np.float32)
        scores[~warm] = self.popular
        self._rank_unjudged(scores, self.popular > 0)
        if warm.any():
            scores[warm] = self._judged_scores(customers.of_users(warm))
        return scores

    def _judged_scores(self, customers: Interactions) -> NDArray[np.float32]:
        scores = self._fold_scores(customers)
        self._rank_unjudged(scores, self._evidence(customers, scores))
        return scores

    def _raw_scores(self, who: NDArray[np.integer] | Interactions) -> NDArray[np.float32]:
        """Scores of users of the fit, given by row, or of customers to fold in."""
        return self._fold_scores(who) if isinstance(who, Interactions) else self.score_block(who)

    def _item_rows(self, rows: NDArray[np.int32], name: str) -> NDArray[np.int32]:
        """The rows that are not -1, checked."""
        items = np.asarray(rows)
        if items.ndim != 1 or (items.size and (items.dtype.kind not in "iu" or items.max() >= self.n_items)):
            raise ValueError(
                f"{name}: expected rows of items below {self.n_items}, -1 for unknown ones; "
                f"found {items.ravel()[:5].tolist()}"
            )
        return items[items >= 0].astype(np.int32)
