"""The area under the ROC curve of each user's ranking of the whole catalogue."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

SORTED_FROM = 12
"""Number of relevant items from which on sorting a row is cheaper than counting for each of them."""


class SortedRows:
    """Rows of scores, shape (n, n_items), each sorted once, when its order is first needed."""

    def __init__(self, scores: NDArray[np.float32]) -> None:
        self.scores = scores
        self._sorted: list[NDArray[np.float32] | None] = [None] * scores.shape[0]

    def ascending(self, row: int) -> NDArray[np.float32]:
        """The scores of a row, smallest first."""
        found = self._sorted[row]
        if found is None:
            found = self._sorted[row] = np.sort(self.scores[row])
        return found

    def above(self, row: int, levels: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number of scores of a row that are higher than each level, and number of those equal to it."""
        if levels.size >= SORTED_FROM:
            return _above(self.ascending(row), levels)
        scores = self.scores[row]
        higher = np.array([np.count_nonzero(scores > level) for level in levels], np.int64)
        return higher, np.array([np.count_nonzero(scores == level) for level in levels], np.int64)


def auc_of_rows(
    scores: SortedRows,
    rows: NDArray[np.integer],
    relevant: sp.csr_array,
    unknown: NDArray[np.integer],
    masked: sp.csr_array | None = None,
    masked_rows: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Area under each user's ROC curve: how often a relevant item has a higher score than another item that is not
    masked, where equal scores count half (Hanley & McNeil 1982; per user as in Rendle et al. 2009, "BPR", section 4).

    Args:
        scores: of users for all items, those of masked ones too.
        rows: shape (n,): the users' rows of `scores`.
        relevant: n by n_items CSR, none of them masked.
        unknown: shape (n,): relevant items outside the catalogue, which rank below all others.
        masked: CSR whose rows hold the items that are compared with nothing; None where nothing is masked.
        masked_rows: shape (n,): the users' rows of `masked`, -1 for none.

    Returns:
        Shape (n,); 0.5 if there is no item to compare with.
    """
    m = scores.scores.shape[1]
    areas = np.empty(rows.size, np.float64)

    def rank(part: range) -> None:
        for place in part:
            row = int(rows[place])
            wanted = relevant.indices[relevant.indptr[place] : relevant.indptr[place + 1]]
            hidden = np.empty(0, np.int32)
            if masked is not None and masked_rows is not None and masked_rows[place] >= 0:
                start, stop = masked.indptr[masked_rows[place] :][:2]
                hidden = masked.indices[start:stop]
            others = m - wanted.size - hidden.size
            if not others:
                areas[place] = 0.5
                continue
            levels = np.sort(scores.scores[row, wanted])
            higher, equal = scores.above(row, levels)
            for left_out in (levels, np.sort(scores.scores[row, hidden])):
                out_higher, out_equal = _above(left_out, levels)
                higher, equal = higher - out_higher, equal - out_equal
            areas[place] = (1 - (higher + equal / 2) / others).sum() / (wanted.size + int(unknown[place]))

    step = 16
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(
            threads.map(
                rank, (range(start, min(rows.size, start + step)) for start in range(0, rows.size, step))
            )
        )
    return areas


def _above(
    ascending: NDArray[np.float32], levels: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of sorted scores that are higher than each level, and number of those equal to it."""
    right = np.searchsorted(ascending, levels, "right")
    return ascending.size - right, right - np.searchsorted(ascending, levels, "left")
