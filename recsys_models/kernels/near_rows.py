"""Nearest rows of a sparse matrix to rows that are not among its own."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.degrees import degrees, inverse_power
from recsys_models.kernels.neighbours import largest_of_rows
from recsys_models.kernels.sparse import csr, shape_of


class NearRows:
    """Rows of ones that other rows are compared with: Σ (rows of a column) ^ -2 rarity / √(ones of both rows), over the
    columns of both.

    Attributes:
        rows: users by items, ones.
        by_column: number of rows of each column.
    """

    def __init__(self, rows: sp.csr_array, rarity: float, neighbours: int) -> None:
        self.rows, self.by_column = rows, degrees(rows)[1]
        self._rare, self._neighbours = inverse_power(self.by_column, rarity), neighbours
        self._length = np.diff(rows.indptr)
        self._normed = csr(self._scaled(rows).T)

    def _scaled(self, rows: sp.csr_array) -> sp.csr_array:
        length = np.sqrt(np.diff(rows.indptr).astype(np.float64))
        scale = (1 / np.maximum(length, 1e-12)).astype(np.float32)
        scaled = csr(rows.astype(np.float32))
        scaled.data = scaled.data * self._rare[rows.indices] * np.repeat(scale, np.diff(rows.indptr))
        return scaled

    def of(self, others: sp.csr_array) -> tuple[sp.csr_array, NDArray[np.float32]]:
        """Similarities of the nearest rows to each of `others`, and of these with themselves.

        If a row equals the other one, it is assumed to be the same user, as known to the fit, and is left out.

        Args:
            others: (n, items), ones.

        Returns:
            (n, users) CSR with the `neighbours` largest of each row, equal ones by user ascending, and shape (n,).
        """
        scaled = self._scaled(others)
        found = csr(scaled @ self._normed)
        found.sort_indices()
        n, length = shape_of(others)[0], np.diff(others.indptr)
        owner = np.repeat(np.arange(n), np.diff(found.indptr))
        own = np.array([(scaled[[row]] @ scaled[[row]].T).sum() for row in range(n)], np.float32)
        twin = np.flatnonzero((found.data == own[owner]) & (self._length[found.indices] == length[owner]))
        first = twin[np.unique(owner[twin], return_index=True)[1]]
        kept = np.ones(owner.size, bool)
        kept[first] = False
        indptr = np.concatenate([[0], np.cumsum(kept)])[found.indptr]
        others_only = sp.csr_array((found.data[kept], found.indices[kept], indptr), shape=shape_of(found))
        return largest_of_rows(others_only, self._neighbours), own
