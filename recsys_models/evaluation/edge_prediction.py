"""Edge prediction: telling user-item pairs that interacted from drawn pairs that did not."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.kernels.sparse import csr, shape_of

ROUNDS = 30
"""Number of times that draws of existing edges are repeated, before the free items are listed."""


def draw_non_edges(edges: sp.csr_array, count: NDArray[np.integer], seed: int = 0) -> sp.csr_array:
    """Pairs without an edge, drawn with replacement, as many for each row as `count` says.

    Args:
        edges: n by m CSR without explicit zeros.
        count: shape (n,).

    Returns:
        n by m CSR of how often each pair was drawn; rows without a free item stay empty.
    """
    n, m = shape_of(edges)
    generator = np.random.default_rng(seed)
    keys = np.repeat(np.arange(n, dtype=np.int64), np.diff(edges.indptr)) * m + edges.indices
    keys.sort()
    full = np.diff(edges.indptr) >= m
    row = np.repeat(np.arange(n, dtype=np.int64), np.where(full, 0, count))
    column = generator.integers(0, m, row.size)
    open_places = np.arange(row.size)
    for _ in range(ROUNDS):
        pairs = row[open_places] * m + column[open_places]
        at = np.minimum(np.searchsorted(keys, pairs), max(keys.size - 1, 0))
        open_places = open_places[keys[at] == pairs] if keys.size else open_places[:0]
        if not open_places.size:
            break
        column[open_places] = generator.integers(0, m, open_places.size)
    for place in open_places:
        taken = edges.indices[edges.indptr[row[place]] : edges.indptr[row[place] + 1]]
        column[place] = generator.choice(np.setdiff1d(np.arange(m), taken))
    return csr(sp.coo_array((np.ones(row.size, np.float32), (row, column)), shape=(n, m)))


def edge_accuracy(edges: NDArray[np.floating], non_edges: NDArray[np.floating]) -> float:
    """Accuracy of edge prediction: the share of pairs that are classified correctly when those with a score above the
    median of all are called edges. A score at the median counts half. With as many pairs of each kind, chance is 0.5.

    The median stands in for a threshold: half of the pairs are edges, so half are called edges (the equal-training-size
    setting of Liben-Nowell & Kleinberg 2007 does the same by taking the top n pairs).

    Args:
        edges, non_edges: scores of held-out pairs and of drawn pairs, shapes (n,).

    Raises:
        ValueError: there is no pair.
    """
    if not edges.size or not non_edges.size:
        raise ValueError(f"expected scores of both kinds of pairs, found {edges.size} and {non_edges.size}")
    ordered = np.sort(np.concatenate([edges, non_edges]))
    low, high = ordered[(ordered.size - 1) // 2], ordered[ordered.size // 2]
    right = (edges > low).sum() + (non_edges < high).sum()
    right += ((edges == low) & (low == high)).sum() / 2 + ((non_edges == low) & (low == high)).sum() / 2
    return float(right / ordered.size)
