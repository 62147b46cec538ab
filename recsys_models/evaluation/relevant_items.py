"""Relevant items of an evaluation: what each test user took, as rows of a model's items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.ids import rows_of
from recsys_models.data.interactions import Interactions


@dataclass(frozen=True, eq=False)
class RelevantItems:
    """Relevant items of the test users who have at least one.

    Attributes:
        user_rows: shape (n,), rows of the test's users, ascending.
        users: shape (n,), their ids.
        relevant: CSR of ones, n by the model's items: relevant items that the model knows.
        unknown: shape (n,): number of further relevant items, which the model does not know.
    """

    user_rows: NDArray[np.int64]
    users: NDArray[Any]
    relevant: sp.csr_array
    unknown: NDArray[np.int64]

    @property
    def count(self) -> NDArray[np.int64]:
        """Number of relevant items of each user, known or not, shape (n,)."""
        return np.diff(self.relevant.indptr) + self.unknown


def relevant_items(
    train: Interactions, test: Interactions, item_ids: NDArray[Any], *, exclude_seen: bool
) -> RelevantItems:
    """The relevant items of `test`, on the catalogue `item_ids`; with `exclude_seen` without those of `train`.

    Raises:
        ValueError: no test user has a relevant item.
    """
    pattern = test.user_items()
    if exclude_seen:
        before = train.within(test).user_items()
        pattern = sp.csr_array(pattern - pattern.multiply(before))
        pattern.eliminate_zeros()
    user_rows = np.flatnonzero(np.diff(pattern.indptr) > 0)
    if not user_rows.size:
        hint = (
            "; every test item was seen in train, use exclude_seen=False"
            if exclude_seen and len(test)
            else ""
        )
        raise ValueError(f"expected test users with at least one relevant item, found none{hint}")
    wanted = sp.coo_array(pattern[user_rows])
    column = rows_of(test.item_ids, item_ids, "item")[wanted.col]
    known = column >= 0
    ones = np.ones(int(known.sum()), np.float32)
    shape = (user_rows.size, item_ids.size)
    relevant = sp.coo_array((ones, (wanted.row[known], column[known])), shape=shape).tocsr()
    return RelevantItems(
        user_rows,
        test.user_ids[user_rows],
        relevant,
        np.bincount(wanted.row[~known], minlength=user_rows.size),
    )


def on_items(interactions: Interactions, item_ids: NDArray[Any]) -> sp.csr_array:
    """The interactions as users by the given items, CSR of ones."""
    if interactions.item_ids is item_ids:
        return interactions.user_items()
    interactions = interactions.counted
    column = rows_of(interactions.item_ids, item_ids, "item")[interactions.item]
    known = column >= 0
    shape = (interactions.n_users, item_ids.size)
    ones = np.ones(int(known.sum()), np.float32)
    matrix = sp.coo_array((ones, (interactions.user[known], column[known])), shape=shape).tocsr()
    matrix.data[:] = 1
    return matrix
