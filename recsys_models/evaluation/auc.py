"""The area under the ROC curve of each user's ranking of the whole catalogue."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

SORTED_FROM = 12
"""Number of relevant items from which on sorting a row is cheaper than counting for each of them."""


def auc_of_rows(
    scores: NDArray[np.float32],
    relevant: sp.csr_array,
    unknown: NDArray[np.integer],
    masked: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Area under each user's ROC curve: how often a relevant item has a higher score than another item that is not
    masked, where equal scores count half (Hanley & McNeil 1982; per user as in Rendle et al. 2009, "BPR", section 4).

    Args:
        scores: shape (n, n_items), -inf for masked items.
        relevant: n by n_items CSR, none of them masked.
        unknown: shape (n,): relevant items outside the catalogue, which rank below all others.
        masked: shape (n,): number of masked items.

    Returns:
        Shape (n,); 0.5 where there is nothing to compare with.
    """
    n, m = scores.shape
    areas = np.empty(n, np.float64)

    def rank(part: range) -> None:
        for row in part:
            wanted = relevant.indices[relevant.indptr[row] : relevant.indptr[row + 1]]
            others = m - wanted.size - int(masked[row])
            if not others:
                areas[row] = 0.5
                continue
            levels = np.sort(scores[row, wanted])
            higher, equal = _above(scores[row], levels)
            own_higher = wanted.size - np.searchsorted(levels, levels, "right")
            own_equal = np.searchsorted(levels, levels, "right") - np.searchsorted(levels, levels, "left")
            hidden = np.where(levels == -np.inf, int(masked[row]), 0)
            beaten_by = (higher - own_higher) + (equal - own_equal - hidden) / 2
            areas[row] = (1 - beaten_by / others).sum() / (wanted.size + int(unknown[row]))

    step = 16
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(rank, (range(start, min(n, start + step)) for start in range(0, n, step))))
    return areas


def _above(
    row: NDArray[np.float32], levels: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of scores of a row that are higher than each level, and number of those equal to it."""
    if levels.size < SORTED_FROM:
        higher = np.array([np.count_nonzero(row > level) for level in levels], np.int64)
        return higher, np.array([np.count_nonzero(row == level) for level in levels], np.int64)
    ordered = np.sort(row)
    right = np.searchsorted(ordered, levels, "right")
    return row.size - right, right - np.searchsorted(ordered, levels, "left")
