"""Links: which users and items a chain of interactions joins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from recsys_models.data.interactions import Interactions
from recsys_models.kernels.sparse import shape_of


class Links(NamedTuple):
    """The connected components of the graph of users and items.

    Attributes:
        users: (n_users,) component of each user; who has no interaction is one alone.
        items: (n_items,) component of each item.
        joined: whether all users and items that have an interaction are in one component, as in most shops.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    joined: bool

    @classmethod
    def of(cls, seen: sp.csr_array) -> Links:
        """The links of a matrix, users by items, whose entries are interactions."""
        n_users, n_items = shape_of(seen)
        # users, then items, as one square: an edge from each user to each of their items
        ends = np.concatenate([seen.indptr, np.full(n_items, seen.indptr[-1])])
        square = sp.csr_array(
            (np.ones(seen.nnz, np.int8), seen.indices + n_users, ends), shape=(n_users + n_items,) * 2
        )
        _, component = connected_components(square, directed=False)
        users, items = component[:n_users], component[n_users:]
        had = users[np.diff(seen.indptr) > 0]
        return cls(users, items, bool((had == had[0]).all()) if had.size else True)

    def join(self, customer: Interactions, items: NDArray[np.integer]) -> bool:
        """Whether one customer is linked to all of these items, of those that the fit knows."""
        if self.joined:
            return True
        return set(self.items[items].tolist()) <= set(self.items[customer.item].tolist())

    def to_items(self, who: NDArray[np.integer] | Interactions, n_items: int) -> NDArray[np.bool_]:
        """Which items are linked to users of the fit, given by row, or to customers by what they had.

        Items without interactions are linked to nobody, except where all others are joined: then nobody is asked.

        Returns:
            Shape (n_items,) where it is the same for all, else (users, n_items).
        """
        if self.joined:
            return np.ones(n_items, bool)
        if isinstance(who, Interactions):
            n, row, component = who.n_users, who.user, self.items[who.item]
        else:
            n, row, component = who.size, np.arange(who.size), self.users[who]
        found = np.unique(component)
        if found.size == 1:
            return self.items == found[0]
        linked = np.zeros((n, n_items), bool)
        for each in found:
            linked[row[component == each]] |= self.items == each
        return linked
