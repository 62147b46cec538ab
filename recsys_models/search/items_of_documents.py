"""ItemsOfDocuments: the items that share each document, and those of them that can be among the best of a query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1 + 1e-5
"""Bound of the rounding error of a float32 product, relative to it."""


class ItemsOfDocuments(NamedTuple):
    """The items that each document represents.

    Attributes:
        starts: (n_documents + 1,) where the items of each begin in `items`.
        items: (n_items,) int32, rows of items, those of one document one after another.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]

    @classmethod
    def of(cls, document_of: NDArray[np.int32], n_documents: int) -> ItemsOfDocuments:
        """Construct it from the document of each item."""
        starts = np.zeros(n_documents + 1, np.int64)
        np.cumsum(np.bincount(document_of, minlength=n_documents), out=starts[1:])
        return cls(starts, np.argsort(document_of, kind="stable").astype(np.int32))

    def candidates(
        self,
        scores: NDArray[np.float32],
        documents: NDArray[np.intp],
        n: int,
        raised: tuple[float, float],
        allowed: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int32]:
        """Rows, ascending, of the items that can be among the n best of these documents, or equal to the last of them.

        An item's score is its document's score times a factor within `raised`. So once n items have documents of some
        score, an item whose document scores too low even for the largest factor is left out.

        Args:
            scores: (n_documents,) ≥ 0.
            documents: those whose items are chosen from.
            n: number of items.
            raised: smallest and largest factor of a document's score, above 0.
            allowed: (n_items,) which items may be chosen; None: all.
        """
        counts = np.diff(self.starts)[documents]
        if allowed is not None:
            within = np.zeros(self.items.size + 1, np.int64)
            np.cumsum(allowed[self.items], out=within[1:])
            counts = within[self.starts[documents + 1]] - within[self.starts[documents]]
        documents, counts = documents[counts > 0], counts[counts > 0]
        if documents.size > n:  # each has an item, so that the n best of them are enough
            own = scores[documents]
            top = np.argpartition(own, own.size - n)[own.size - n :]
            top = top[np.argsort(-own[top], kind="stable")]
            least = own[top[np.searchsorted(np.cumsum(counts[top]), n)]]
            documents = documents[own * np.float32(raised[1] * _ROUNDING) >= least * np.float32(raised[0])]
        starts, lengths = self.starts[documents], self.starts[documents + 1] - self.starts[documents]
        before = np.cumsum(lengths) - lengths
        rows = self.items[np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))]
        return np.sort(rows if allowed is None else rows[allowed[rows]])
