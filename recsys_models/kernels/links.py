"""Links: which users and items a chain of interactions or other relations connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from recsys_models.data.interactions import Interactions
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.sparse import shape_of


class Links(NamedTuple):
    """The connected components of the graph of users and items.

    Attributes:
        users: (n_users,) component of each user; a user without interactions is a component alone.
        items: (n_items,) component of each item.
        known: (n_items,) which items are in a component with an interaction.
        joined: whether all known items are in one component, as in most shops.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    known: NDArray[np.bool_]
    joined: bool

    @classmethod
    def of(
        cls,
        seen: sp.csr_array,
        *,
        user_features: sp.csr_array | None = None,
        item_features: sp.csr_array | None = None,
        relations: Sequence[tuple[NDArray[np.integer], NDArray[np.integer]]] = (),
    ) -> Links:
        """The links of a matrix, users by items, whose entries are interactions.

        Args:
            user_features, item_features: users, and items, by features: a feature joins all that have it.
            relations: source and target rows of items that a relation joins.
        """
        n_users, n_items = shape_of(seen)
        if user_features is None and item_features is None and not relations:
            # users, then items, as one square: an edge from each user to each of their items
            ends = np.concatenate([seen.indptr, np.full(n_items, seen.indptr[-1])])
            square = sp.csr_array(
                (np.ones(seen.nnz, np.int8), seen.indices + n_users, ends), shape=(n_users + n_items,) * 2
            )
        else:
            edges, n_nodes = [seen.nonzero()], n_users + n_items
            edges[0] = (edges[0][0], edges[0][1] + n_users)
            for first, table in ((0, user_features), (n_users, item_features)):
                if table is not None:
                    row, feature = table.nonzero()
                    edges.append((row + first, feature + n_nodes))
                    n_nodes += shape_of(table)[1]
            edges += [(source + n_users, target + n_users) for source, target in relations]
            left, right = (np.concatenate(side) for side in zip(*edges, strict=True))
            square = sp.coo_array((np.ones(left.size, np.int8), (left, right)), shape=(n_nodes, n_nodes))
        _, component = connected_components(square, directed=False)
        users, items = component[:n_users], component[n_users : n_users + n_items]
        return cls._of_components(users, items, np.isin(items, np.unique(items[seen.indices])))

    @classmethod
    def _of_components(
        cls, users: NDArray[np.int32], items: NDArray[np.int32], known: NDArray[np.bool_]
    ) -> Links:
        of_known = items[known]
        return cls(users, items, known, bool((of_known == of_known[0]).all()) if of_known.size else True)

    def join(self, customer: Interactions, items: NDArray[np.integer]) -> bool:
        """Whether one customer is linked to all of these items, as far as the fit knows them."""
        if self.joined:
            return True
        return set(self.items[items].tolist()) <= set(self.items[customer.item].tolist())

    def to_items(self, who: NDArray[np.integer] | Interactions, n_items: int) -> NDArray[np.bool_]:
        """Mask of the items linked to users of the fit, given by row, or to customers, given by their items.

        Items that are not `known` are linked to nobody, except where all others are joined: then nothing is looked up.

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

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file, for links that do not follow from the interactions alone."""
        return {"linked.users": self.users, "linked.items": np.where(self.known, self.items, -1)}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], seen: sp.csr_array) -> Links | None:
        """The links that `state` turned into arrays; None where a file has none."""
        if "linked.items" not in state:
            return None
        n_users, n_items = shape_of(seen)
        must_be(state["linked.users"], "linked.users", shape=(n_users,), kind="i")
        must_be(state["linked.items"], "linked.items", shape=(n_items,), kind="i")
        return cls._of_components(state["linked.users"], state["linked.items"], state["linked.items"] >= 0)
