"""LongestFirst: the items of the largest inner products with a query, found without looking at all items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FIRST = 1024
"""Number of items whose inner products are computed before the others are bounded."""
LARGEST_BLOCK = 8192


class LongestFirst(NamedTuple):
    """Item vectors in the order of their lengths, for exact maximum inner product search.

    No inner product is larger than the lengths of both vectors multiplied (Cauchy and Schwarz). So once the k-th best
    of the longest items is known, shorter ones than k-th best / length of the query cannot be among the k best; see
    Teflioudi, Gemulla and Mykytiuk 2015, "LEMP: Fast retrieval of large entries in a matrix product", section 4.1.
    Vectors of popular items are long, so few items have to be computed.

    Attributes:
        rows: (n,) int32, the item of each place.
        places: (n_items,) int32, the place of each item; -1 for an item that is not there.
        vectors: (n, d) float32, longest first.
        lengths: (n,) float64.
    """

    rows: NDArray[np.int32]
    places: NDArray[np.int32]
    vectors: NDArray[np.float32]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], kept: NDArray[np.bool_]) -> LongestFirst:
        """The items of a mask, shape (n_items,), of all those with vectors (n_items, d)."""
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
        rows = np.argsort(-lengths, kind="stable").astype(np.int32)
        rows = rows[kept[rows]]
        places = np.full(kept.size, -1, np.int32)
        places[rows] = np.arange(rows.size, dtype=np.int32)
        return cls(rows, places, np.ascontiguousarray(vectors[rows], np.float32), lengths[rows])

    def best(
        self,
        query: NDArray[np.float32],
        k: int,
        *,
        exclude: NDArray[np.int32] | None = None,
        among: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k items of the largest inner products, best first, equal ones by row; fewer if there are not enough.

        An item's inner product does not depend on the other items: each is summed in float64 by itself.

        Args:
            query: (d,) finite.
            exclude: rows of items that are left out.
            among: rows of the items that are chosen from; None: all.

        Returns:
            Rows (m,) and inner products (m,), m ≤ k.
        """
        left_out = np.sort(_places(self.places, exclude))
        chosen = None if among is None else np.unique(_places(self.places, among))
        end = self.rows.size if chosen is None else chosen.size
        length = float(np.sqrt(np.einsum("d,d->", query, query, dtype=np.float64)))
        # by how much an inner product of float32 may be wrong (Higham 2002, section 3.1), twice over
        wrong = 4 * query.size * 2.0**-24 * length * (float(self.lengths[0]) if self.rows.size else 0.0)
        found, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        start, size = 0, max(FIRST, 4 * k)
        while start < end:
            stop = min(start + size, end)
            at = None if chosen is None else chosen[start:stop]
            block = (self.vectors[start:stop] if at is None else self.vectors[at]) @ query
            if at is None:
                block[left_out[slice(*np.searchsorted(left_out, (start, stop)))] - start] = -np.inf
            else:
                block[np.isin(at, left_out)] = -np.inf
            # what k of those before surpass is not among the best, nor what k of this block do
            before = _least_of_best(scores, k)
            least = (before if before > -np.inf else _least_of_best(block, k)) - wrong
            near = np.flatnonzero(block >= least if least > -np.inf else block > -np.inf)
            found = np.concatenate([found, near + start if at is None else at[near]])
            scores = np.concatenate([scores, block[near]])
            start, size = stop, LARGEST_BLOCK
            least = _least_of_best(scores, k) - wrong
            if least > 0:
                lengths = self.lengths if chosen is None else self.lengths[chosen]
                end = min(end, lengths.size - int(np.searchsorted(lengths[::-1], least / length)))
        near = found[scores >= _least_of_best(scores, k) - wrong]
        exact = np.einsum("nd,d->n", self.vectors[near], query, dtype=np.float64).astype(np.float32)
        rows = self.rows[near]
        order = np.lexsort((rows, -exact))[:k]
        return rows[order], exact[order]


def _places(places: NDArray[np.int32], rows: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The places of rows, without those that are not there."""
    found = places[rows] if rows is not None else places[:0]
    return found[found >= 0]


def _least_of_best(scores: NDArray[np.float32], k: int) -> float:
    """The k-th best of scores, -inf where there are fewer."""
    if scores.size < k:
        return -np.inf
    return float(np.partition(scores, scores.size - k)[scores.size - k])
